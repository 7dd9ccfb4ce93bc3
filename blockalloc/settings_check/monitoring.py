"""Whether processes can keep what they count for /metrics."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from blockalloc.measures.slot import NoSlot, examine
from blockalloc.settings_check.problems import Problem, doubtful
from vclsite.monitoring import METRICS_DIR


def check_metrics_directory() -> Iterator[Problem]:
    """A directory of one's own. The standard one is not there where systemd does not run the service."""
    directory = settings.VCL_METRICS_DIR
    if not directory or (directory == METRICS_DIR and not Path(directory).exists()):
        return
    try:
        examine(Path(directory))
    except (NoSlot, OSError) as problem:
        yield doubtful(
            "VCL_METRICS_DIR",
            f"VCL_METRICS_DIR: {problem}: /metrics shows what one process of many has counted; make it a directory of "
            "the service's user that nobody else may write",
        )
