"""VCL's back end as a client: calls made by Perl's RPC::XML as vcld makes them, and what it then logs."""

import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

NAME = "blocks.example.edu"
URL = f"https://{NAME}/index.php?mode=xmlrpccall"
PROGRAM = Path(__file__).with_name("vcld.pl")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what is in vcld.conf, what is called, and where the connection goes while the name is NAME."""

    port: int
    url: str = URL
    user: str = "vclsystem@Local"
    password: str = "p4ss"
    arguments: tuple[str, ...] = ("XMLRPCtest", "x")
    address: str = "127.0.0.1"
    source: str = "127.0.0.1"
    ca_file: str = ""
    ca_variable: str = "PERL_LWP_SSL_CA_FILE"
    timeout: float = 20.0  # seconds


class Vcld:
    """A Perl process that makes one call after another."""

    def __enter__(self) -> Self:
        perl = shutil.which("perl")
        assert perl, "perl is not installed: apt-get install perl librpc-xml-perl (Debian, Ubuntu)"
        self._process = subprocess.Popen(
            [perl, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def log(self, call: Call) -> str:
        """What vcld logs about the call, without the prefix of each line."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(call)) + "\n")
        self._process.stdin.flush()
        lines = list(iter(self._process.stdout.readline, "\n"))
        assert "" not in lines[-1:], "vcld.pl ended"
        return "".join(lines)
