"""nginx with deploy/nginx.conf in front of a server of the tests, with a certificate of its own."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.live_server import ROOT, free_port

START_SECONDS = 10.0
NAME = "blocks.example.edu"

# Where bin/setup puts it when it is not installed.
FETCHED = Path(sys.prefix) / "nginx" / "usr" / "sbin"
# What the machine's own nginx.conf says around the file, and where nginx may write.
AROUND = """
daemon off;
pid nginx.pid;
{user}
events {{}}
http {{
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}}
"""


class Nginx:
    """A front for the service on `upstream_port` of 127.0.0.1, on free ports there.

    `certificate` is a file with the chain and the key, made by the caller; by default one is made that signs itself.
    """

    def __init__(self, directory: Path, upstream_port: int, certificate: Path | None = None) -> None:
        self.directory = directory
        self.upstream_port = upstream_port
        self._certificate = certificate
        self.http_port, self.https_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = self._prepare(self._site())
        self._process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
        self._wait(self._process)
        return self

    def check(self, site: str) -> str:
        """What nginx objects to in this file in place of deploy/nginx.conf; "" when there is nothing."""
        site = site.replace("/etc/ssl/certs/blocks.example.edu.pem", str(self.directory / "cert.pem"))
        site = site.replace("/etc/ssl/private/blocks.example.edu.key", str(self.directory / "key.pem"))
        done = subprocess.run([*self._prepare(site), "-t", "-q"], capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""

    def _prepare(self, site: str) -> list[str]:
        """Write all files; the command that starts nginx with them."""
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:{FETCHED}")
        assert program, "nginx is not here: bin/setup --tests fetches it"
        if not self._certificate:
            self._make_certificate()
        user = "user root;" if os.geteuid() == 0 else ""  # the tests' own directory is for nobody else
        (self.directory / "nginx.conf").write_text(AROUND.format(user=user))
        (self.directory / "site.conf").write_text(site)
        return [program, "-p", str(self.directory), "-c", "nginx.conf", "-e", "error.log"]

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def access_log(self) -> str:
        """The requests that nginx has answered."""
        return (self.directory / "access.log").read_text()

    def trust(self) -> ssl.SSLContext:
        """What a client needs to believe this server."""
        return ssl.create_default_context(cafile=str(self.directory / "cert.pem"))

    def connect(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        """A TLS connection from `source`, an address of this machine."""
        plain = socket.create_connection(("127.0.0.1", self.https_port), timeout=20, source_address=(source, 0))
        return self.trust().wrap_socket(plain, server_hostname=NAME)

    def _site(self) -> str:
        """The file, with the ports, the certificate and the service of this server in it, and nothing else."""
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        replaced = {
            r"server 127\.0\.0\.1:8000;": f"server 127.0.0.1:{self.upstream_port};",
            r"listen 80;": f"listen 127.0.0.1:{self.http_port};",
            r"listen 443 ssl;": f"listen 127.0.0.1:{self.https_port} ssl;",
            r"listen \[::\]:80;": "",  # not every machine has IPv6
            r"listen \[::\]:443 ssl;": "",
            r"/etc/ssl/certs/blocks\.example\.edu\.pem": str(self._certificate or self.directory / "cert.pem"),
            r"/etc/ssl/private/blocks\.example\.edu\.key": str(self._certificate or self.directory / "key.pem"),
        }
        for pattern, value in replaced.items():
            text, count = re.subn(pattern, value, text)
            assert count == 1, f"deploy/nginx.conf has no {pattern}"
        return text

    def _make_certificate(self) -> None:
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-keyout", "key.pem", "-out", "cert.pem"]
        command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
        subprocess.run(command, cwd=self.directory, check=True, capture_output=True)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.https_port), timeout=1).close()
            except OSError:
                log = self.directory / "error.log"
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()  # noqa: PT018
                time.sleep(0.02)
            else:
                return
