"""What a look did."""

from typing import NamedTuple


class Action(NamedTuple):
    """Something that was done about a block time, or could not be, in words; `decision_id` is that of its record.

    `is_complete`: the block time has all its machines now.
    """

    block_time_id: int
    text: str
    decision_id: int | None = None
    is_complete: bool = True
