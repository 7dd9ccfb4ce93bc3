"""Calls in a stream through nginx while the service restarts: `python -m verification.restarts`.

nginx has deploy/nginx.conf; the service runs as under systemd, on a socket that stays open (deploy/systemd/). By turns
it is restarted, replaced beside itself (reload), and its first process is killed (crash). Each call is made once and
asks for a class of its own. It passes when each got its answer, and each class has its one computer, by one call.
The database is a private MariaDB server. Prints what was counted; exit status 1 when something is wrong.
"""

import argparse
import os
import signal
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.servers.nginx_server import NAME, Nginx
from tests.support.servers.private_database import private_database
from tests.support.servers.supervisor import Supervisor

if TYPE_CHECKING:
    from verification.restarts.campaign import Outcome, Size

_MIXED = ("restart", "reload", "crash")


def main() -> int:
    """Play what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.restarts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=500, help="calls, and classes (default: 500)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="calls at once (default: 8)")
    parser.add_argument("--restarts", type=int, default=5, metavar="N", help="how often (default: 5)")
    parser.add_argument("--kind", choices=[*_MIXED, "mixed"], default="mixed", help="how (default: by turns)")
    asked = parser.parse_args()
    kinds = _MIXED if asked.kind == "mixed" else (asked.kind,)
    # When a campaign is stopped its servers must stop too: SIGTERM ends it as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ["VCL_TIME_ZONE"] = "UTC"
    with tempfile.TemporaryDirectory() as temporary, private_database(mariadb=True) as server:
        assert server is not None
        from verification.restarts.campaign import Size, load, run

        size = Size(asked.calls, asked.clients, tuple(kinds[n % len(kinds)] for n in range(asked.restarts)))
        load(size.calls)
        directory = Path(temporary)
        (directory / "nginx").mkdir()
        settings = {
            "DJANGO_ALLOWED_HOSTS": NAME, "VCL_TIME_ZONE": "UTC", "VCL_TRUSTED_PROXIES": "127.0.0.1",
        }  # fmt: skip
        with (
            Supervisor(directory, server.url("vcl"), settings).start() as service,
            Nginx(directory / "nginx", service.port) as nginx,
        ):
            outcome = run(size, service, nginx)
            _print(size, outcome)
            if outcome.wrong:
                print(service.log.read_text(errors="replace")[-4000:], file=sys.stderr)
    return 1 if outcome.wrong else 0


def _print(size: "Size", outcome: "Outcome") -> None:
    median, longest = statistics.median(outcome.seconds), outcome.seconds[-1]
    print(f"calls: {len(outcome.seconds):,} by {size.clients} clients in {outcome.total:.0f} s")
    print(f"seconds of a call: {median:.2f} in the middle, {longest:.2f} the longest")
    for kind, seconds in outcome.took:
        print(f"{kind}: took {seconds:.1f} s")
    for kind, number in sorted(outcome.during.items()):
        print(f"calls on the way during {kind}: {number:,}")
    for text in outcome.wrong[:40]:
        print(f"wrong: {text}", file=sys.stderr)
    print(f"{len(outcome.wrong)} things went wrong")


if __name__ == "__main__":
    sys.exit(main())
