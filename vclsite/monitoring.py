"""Settings of /metrics: where processes keep their counts, and the token for those who ask."""

import re

from vclsite import environment

METRICS_DIR = "/run/blockalloc-metrics"  # made by deploy/systemd/blockalloc-metrics.service and by the compose files

_TOKEN = re.compile(r"[!-~]{20,}")  # it travels in a header


def token(name: str) -> str:
    """A token that nobody guesses; "" for none. Others are a problem, and not quoted."""
    given = environment.text(name, "")
    if given and not _TOKEN.fullmatch(given):
        environment.problem(
            name, f"{name}: use at least 20 letters, digits and signs, such as `openssl rand -hex 32` has"
        )
        return ""
    return given
