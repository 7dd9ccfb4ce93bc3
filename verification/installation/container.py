"""A root that is booted, with a systemd and a loopback network of its own, and no other network."""

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_START_SECONDS = 90.0
_ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    *("HOME=/root", "LANG=C.UTF-8", "TERM=dumb"),
)


class Container:
    """The machine that boots from a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._init = 0

    def __enter__(self) -> Self:
        options = ["-q", "--register=no", "--keep-unit", "--private-network", "--boot"]
        self._process = subprocess.Popen(
            ["systemd-nspawn", "-D", str(self._root), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            self._init = self._init or self._first_process()
            state = self.run("systemctl is-system-running").stdout.strip() if self._init else ""
            if state in ("running", "degraded"):
                return self
            time.sleep(0.3)
        self.stop()
        raise RuntimeError(f"{self._root} did not boot in {_START_SECONDS:.0f} seconds")

    def _first_process(self) -> int:
        number = self._process.pid
        try:
            children = Path(f"/proc/{number}/task/{number}/children").read_text().split()
        except OSError:
            return 0
        named = [child for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "systemd"]
        return int(named[0]) if named else 0

    def run(self, script: str, *, stdin: str = "", seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a script of the shell as root, in /root; its output has both streams."""
        inside = ["nsenter", "-t", str(self._init), "-a", "env", "-i", *_ENVIRONMENT]
        return subprocess.run(
            [*inside, "bash", "-c", f"cd /root && {{ {script}\n}} 2>&1"],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",  # rows have bytes of every kind
            check=False,
            timeout=seconds,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Turn the machine off."""
        if self._init:
            self.run("systemctl poweroff")
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
