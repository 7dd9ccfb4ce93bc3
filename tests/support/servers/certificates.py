"""Certificates as sites have them, good and bad, made by openssl: see `make`."""

import subprocess
from pathlib import Path

from tests.support.servers.vcld import NAME


def make(directory: Path) -> dict[str, Path]:
    """Files in `directory`, each with a chain and its key for a web server; "root" is the CA for clients to know.

    good: signed by an intermediate, which is in the file. no intermediate: it is not. expired: yesterday.
    other name: for another host. self-signed: by nobody else.
    """
    _key_and_request(directory, "root", "Example Root CA")
    _sign(directory, "root", "root", "basicConstraints=critical,CA:TRUE")
    _key_and_request(directory, "intermediate", "Example Intermediate CA")
    _sign(directory, "intermediate", "root", "basicConstraints=critical,CA:TRUE")
    for leaf, name, days in (("leaf", NAME, 2), ("late", NAME, -1), ("other", "other.example.edu", 2)):
        _key_and_request(directory, leaf, name)
        _sign(directory, leaf, "intermediate", f"subjectAltName=DNS:{name}", days)
    _key_and_request(directory, "self", NAME)
    _sign(directory, "self", "self", f"subjectAltName=DNS:{NAME}")
    return {
        "root": directory / "root.pem",
        "good": _together(directory, "good", "leaf.pem", "intermediate.pem", "leaf.key"),
        "no intermediate": _together(directory, "no-intermediate", "leaf.pem", "leaf.key"),
        "expired": _together(directory, "expired", "late.pem", "intermediate.pem", "late.key"),
        "other name": _together(directory, "other-name", "other.pem", "intermediate.pem", "other.key"),
        "self-signed": _together(directory, "self-signed", "self.pem", "self.key"),
    }


def _key_and_request(directory: Path, file: str, name: str) -> None:
    command = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _run(directory, [*command, "-keyout", f"{file}.key", "-out", f"{file}.csr", "-subj", f"/CN={name}"])


def _sign(directory: Path, file: str, by: str, extension: str, days: int = 2) -> None:
    """`days`: until when it is good; below 0 it is past."""
    (directory / "extension").write_text(extension)
    command = ["openssl", "x509", "-req", "-in", f"{file}.csr", "-out", f"{file}.pem", "-extfile", "extension"]
    signer = ["-key", f"{by}.key"] if by == file else ["-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial"]
    _run(directory, [*command, *signer, "-days", str(days)])


def _together(directory: Path, name: str, *files: str) -> Path:
    whole = directory / f"{name}.together.pem"
    whole.write_text("".join((directory / file).read_text() for file in files))
    return whole


def _run(directory: Path, command: list[str]) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
