"""The counts of a run, and the table that it prints."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from verification.fuzz import wording

MOST_BROKEN = 10  # promises, after which a run ends

Say = Callable[[str], None]


@dataclass
class Tally:
    """The counts of a run."""

    seed: int
    wanted: frozenset[int] = wording.CODES  # codes that bad input must reach
    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    wrote: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)  # seconds, number of the request
    memory: list[float] = field(default_factory=list)  # MB after the warm-up and after each quarter
    seconds: float = 0.001
    stray: int = 0  # rows of requests that may write none
    broken: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[int]:
        """Codes that bad input must reach and did not."""
        return sorted(self.wanted - set(self.codes))

    def __str__(self) -> str:
        kinds = [f"  {kind:<18}{count:>8}" for kind, count in sorted(self.kinds.items())]
        memory = ", ".join(f"{megabytes:.1f}" for megabytes in self.memory) or "not measured"
        wrote = ", ".join(f"{count} {table}" for table, count in sorted(self.rows.items()) if count) or "none"
        lines = [
            f"{self.sent} requests of seed {self.seed}: {self.seconds:.1f} s, {self.sent / self.seconds:.0f} a second",
            *kinds,
            f"  codes reached: {_in_words(sorted(self.codes))}; missing: {_in_words(self.missing)}",
            f"  answers of 500: {self.kinds['HTTP 500']}",
            f"  rows written by {self.wrote} accepted requests: {wrote}",
            f"  rows written by others: {self.stray or 'none'}",
            f"  memory in MB after the warm-up and after each quarter: {memory}",
            f"  slowest: request {self.slowest[1]}, {self.slowest[0] * 1000:.0f} ms",
            f"  promises broken: {len(self.broken)}",
        ]
        return "\n".join(lines)


def _in_words(codes: Iterable[int]) -> str:
    return " ".join(map(str, codes)) or "none"
