"""The metrics of this process, and those of all processes that share the directory VCL_METRICS_DIR."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector

from blockalloc.measures import values

log = logging.getLogger(__name__)

REGISTRY = CollectorRegistry()
disable_created_metrics()  # their files have none


def counter(name: str, help_text: str, *labels: str) -> Counter:
    """A counter; its name ends in _total."""
    return Counter(name, help_text, labels, registry=REGISTRY)


def histogram(name: str, help_text: str, buckets: Sequence[float], *labels: str) -> Histogram:
    """A histogram of seconds, with these upper bounds; its name ends in _seconds."""
    return Histogram(name, help_text, labels, registry=REGISTRY, buckets=buckets)


def collect() -> Iterable[Metric]:
    """What all processes of the directory have counted, and have counted that have ended.

    Without a directory that can be used: what this process has counted.
    """
    directory = values.directory()
    return _merged(directory) if directory else REGISTRY.collect()


def _merged(directory: Path) -> Iterable[Metric]:
    files = sorted(str(path) for path in directory.glob("*_*.db"))
    try:
        return _read(files)
    except Exception as error:  # of any kind: one file that another program has spoilt must not hide all others
        log.warning("files in %s cannot all be read: %s", directory, error)
        return _read([file for file in files if _is_readable(file)])


def _read(files: Sequence[str]) -> list[Metric]:
    return [*MultiProcessCollector.merge(files)]


def _is_readable(file: str) -> bool:
    try:
        _read([file])
    except Exception:
        return False
    return True
