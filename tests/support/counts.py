"""What this process has counted: the difference that a block of code makes."""

from collections.abc import Iterator
from contextlib import contextmanager

from blockalloc.measures.registry import REGISTRY


def number(name: str, **labels: str) -> float:
    """A value of this process. Raises AssertionError when there is no such series."""
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None, (name, labels)
    return value


@contextmanager
def counting() -> Iterator[dict[str, float]]:
    """When it is left, what has grown meanwhile: `name{label="value"}` -> by how much; no buckets, no sums."""
    before, grown = _all(), dict[str, float]()
    yield grown
    grown.update({key: value - before.get(key, 0) for key, value in _all().items() if value != before.get(key, 0)})


def _all() -> dict[str, float]:
    return {
        _key(sample.name, sample.labels): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_sum"))
    }


def _key(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name
