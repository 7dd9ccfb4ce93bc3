"""What is said about a class: how sure it is that its machines are ready at the start."""

from typing import NamedTuple


class Outlook(NamedTuple):
    """How sure it is that a class has its machines at its start.

    `ready`: the probability that all `machines` (that it has) are ready at the start. `late`: how many machines are
    expected to be late, on average. `minutes`: from the begin of the reloads to the start, summed over all computers.
    `mended`: whether keep_ready runs, which makes up for what fails.
    """

    machines: int
    ready: float
    late: float
    minutes: int
    mended: bool
