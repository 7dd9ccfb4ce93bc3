"""What the HTTP server is told (deploy/gunicorn.conf.py)."""

import re

from vclsite import environment
from vclsite.front_end import MAX_CONCURRENT_CALLS

_ADDRESS_AND_PORT = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])?:(\d{1,5})")


def _address_and_port(name: str, default: str) -> str:
    """Where to listen. Not at a socket: who calls there has no address, so no proxy could be trusted."""
    given = environment.text(name, default)
    found = _ADDRESS_AND_PORT.fullmatch(given)
    if found and 1 <= int(found[1]) <= 65535:
        return given
    environment.problem(name, f"{name}={given!r}: use an address and a port, as 127.0.0.1:8000 or [::1]:8000")
    return default


BIND = _address_and_port("GUNICORN_BIND", "127.0.0.1:8000")
WORKERS = environment.whole_number("WEB_CONCURRENCY", 2, low=1, high=64)
THREADS = environment.whole_number("GUNICORN_THREADS", 8, low=2, high=64)

_LEAST_THREADS = MAX_CONCURRENT_CALLS + 2  # two for all other requests
if environment.text("VCL_FRONT_END_URL", "") and THREADS < _LEAST_THREADS:
    environment.problem(
        "GUNICORN_THREADS",
        f"GUNICORN_THREADS={THREADS}: with VCL_FRONT_END_URL use at least {_LEAST_THREADS}: calls that are passed on "
        f"may occupy {MAX_CONCURRENT_CALLS} of them for minutes",
    )
