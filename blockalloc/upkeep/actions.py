"""What keep_ready has done in a look."""

from typing import NamedTuple


class Action(NamedTuple):
    """Something that was done about a block time, in words; `decision_id` is that of its record."""

    block_time_id: int
    text: str
    decision_id: int | None = None
