"""systemd's own checks of unit files, without a running systemd: `systemd-analyze verify` and `security --offline`.

Where the program is not installed, bin/setup fetches it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Where bin/setup puts it, with its libraries and the units of systemd itself.
_FETCHED = Path(sys.prefix) / "systemd"


def verify(units: Sequence[Path]) -> str:
    """What systemd objects to in these units, which are in one directory; "" when there is nothing."""
    # Names of other units (network-online.target) are looked up beside these, then where a system has them.
    places = [units[0].parent, *_FETCHED.glob("lib/systemd/system"), *_FETCHED.glob("usr/lib/systemd/system")]
    places += [Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"), Path("/lib/systemd/system")]
    path = {"SYSTEMD_UNIT_PATH": ":".join(map(str, places))}
    return _run("verify", "--man=no", *map(str, units), **path).stdout


def exposure(unit: Path) -> float:
    """How exposed a service is, from 0 (all is closed) to 10, in systemd's reckoning."""
    limit = "--threshold=100"  # of ten times the figure: it is judged by the caller
    done = _run("security", "--offline=true", "--no-pager", limit, str(unit))
    (line,) = [line for line in done.stdout.splitlines() if "Overall exposure level" in line]
    return float(line.rpartition(": ")[2].split()[0])


def _run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze", path=f"{os.environ.get('PATH', '')}:{_FETCHED / 'usr/bin'}")
    assert program, "systemd-analyze is not here: bin/setup --tests fetches it"
    libraries = [*_FETCHED.glob("usr/lib/*"), *_FETCHED.glob("usr/lib/*/systemd"), *_FETCHED.glob("lib/*-linux-gnu")]
    environment = {**os.environ, **variables}
    if program.startswith(str(_FETCHED)):
        environment["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
    return subprocess.run(
        [program, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
