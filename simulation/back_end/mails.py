"""The mails of the back end about block requests."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a mail says, and to whom."""

    SHORT = "to the owner: WARNING, fewer machines than requested"
    DONE = "to the owner: processed successfully"
    ALARM = "to the administrators: problem processing block allocation"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail; `allocated` and `wanted` are the numbers in it."""

    at: int  # Unix seconds
    kind: Kind
    block_request: int
    block_time: int
    allocated: int
    wanted: int
