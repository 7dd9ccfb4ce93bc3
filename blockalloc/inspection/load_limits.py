"""Rows of VCL's table `variable` that are meant to limit loads, and don't."""

from collections.abc import Iterator

from blockalloc.inspection import words
from blockalloc.inspection.findings import Finding
from blockalloc.store import capacity


def findings() -> Iterator[Finding]:
    """All of them, read in the caller's transaction."""
    for name, text in capacity.problems():
        yield Finding("load_limit", {"variable": name}, f"variable {words.plain(name)} {text}", repairable=False)
