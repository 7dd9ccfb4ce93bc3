"""A bare Debian 12: debootstrap's smallest, with systemd, and a MariaDB server as a VCL site has one.

The packages that bin/install asks for are fetched but not installed, and so are Python's: the machine on which it is
installed has no network.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RELEASE = "bookworm"
_FIRST = "ca-certificates,dbus,systemd,systemd-sysv,procps,iproute2"
_OF_THE_SITE = ("mariadb-server", "openssl")
_FETCHED = (
    *("python3", "python3-venv", "python3-dev", "gcc", "libc6-dev", "pkg-config", "default-libmysqlclient-dev"),
    *("nginx", "mariadb-client"),
)
_APT = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120")


def bare_root(cache: Path, lock: Path) -> Path:
    """The folder with `root/` and `wheels/`, made unless it is there for these packages. Never to be changed."""
    key = hashlib.sha256(f"{_FIRST}{_OF_THE_SITE}{_FETCHED}{lock.read_text()}".encode()).hexdigest()[:12]
    made = cache / key
    if not (made / "complete").exists():
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        _make(made / "root")
        _fetch_wheels(made, lock)
        (made / "complete").touch()
    return made


def _make(root: Path) -> None:
    mirror = _mirror()
    _run("debootstrap", "--variant=minbase", f"--include={_FIRST}", _RELEASE, str(root), mirror)
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    # How this machine reaches the mirror: certificates, proxies.
    shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
    shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    with _mounted(root):
        no_start = root / "usr/sbin/policy-rc.d"
        no_start.write_text("#!/bin/sh\nexit 101\n")
        no_start.chmod(0o755)
        _in(root, *_APT, "update")
        _in(root, *_APT, "install", "-y", "--no-install-recommends", *_OF_THE_SITE)
        _in(root, *_APT, "install", "-y", "--no-install-recommends", "--download-only", *_FETCHED)
        no_start.unlink()


def _fetch_wheels(made: Path, lock: Path) -> None:
    """What `pip install --no-index --find-links wheels` needs, for the Python of the root; in a copy of it."""
    with tempfile.TemporaryDirectory(dir=made) as folder:
        root = Path(folder) / "root"
        _run("cp", "-a", str(made / "root"), str(root))
        shutil.copyfile(lock, root / "requirements.lock")
        if Path("/etc/pip.conf").exists():
            shutil.copyfile("/etc/pip.conf", root / "etc/pip.conf")
        with _mounted(root):
            _in(root, *_APT, "install", "-y", "--no-install-recommends", *_FETCHED[:7])
            _in(root, "python3", "-m", "venv", "/venv")
            pip = ("/venv/bin/pip", "--disable-pip-version-check", "download", "-q", "-d", "/wheels")
            _in(root, *pip, "--no-deps", "--require-hashes", "-r", "/requirements.lock")
            _in(root, *pip, "setuptools", "wheel")  # what mysqlclient is built with
        shutil.copytree(root / "wheels", made / "wheels")


def _mirror() -> str:
    """Debian's mirror of this machine. Ends the program when its package sources name none."""
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(path.read_text() for path in sources if path.is_file())
    found = re.findall(r"^(?:deb |URIs:).*?(https?://\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
    if not found:
        sys.exit("error: the package sources of this machine (/etc/apt) name no mirror of Debian")
    return str(found[0])


@contextmanager
def _mounted(root: Path) -> Iterator[None]:
    _run("mount", "-t", "proc", "proc", str(root / "proc"))
    try:
        yield
    finally:
        _run("umount", str(root / "proc"))


def _in(root: Path, *command: str) -> None:
    proxies = [f"{name}={value}" for name, value in os.environ.items() if name.lower().endswith("_proxy")]
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    environment = [path, "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *proxies]
    _run("chroot", str(root), "env", "-i", *environment, *command)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
