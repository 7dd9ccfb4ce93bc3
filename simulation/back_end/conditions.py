"""What happens outside the rows: how loads go, what users do. The test decides."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Result(StrEnum):
    """How a load goes."""

    LOADED = "loaded"
    FAILED = "failed"
    NOT_FETCHED = "the image could not be fetched"


@dataclass(frozen=True, slots=True)
class Visit:
    """How the user of a reservation behaves."""

    connects_after: int | None = 60  # seconds after their computer is ready; None: they do not connect
    leaves_after: int | None = None  # seconds after that, the reservation not ended; None: they stay to its end


def _ten_minutes(_computer: int, _image: int, _chance: Random) -> int:
    return 600


def _always(_computer: int, _image: int, _chance: Random) -> Result:
    return Result.LOADED


def _a_minute(_host: int, _image: int, _chance: Random) -> int:
    return 60


def _comes(_request: int, _user: int) -> Visit:
    return Visit()


@dataclass
class Conditions:
    """What the test decides. `result` is called when a load begins, with computer and image.

    `copy_seconds` is the part of a VM's load in which its image is copied to the host (by VM host and image).
    """

    load_seconds: Callable[[int, int, Random], int] = _ten_minutes
    result: Callable[[int, int, Random], Result] = _always
    copy_seconds: Callable[[int, int, Random], int] = _a_minute
    visit: Callable[[int, int], Visit] = _comes
