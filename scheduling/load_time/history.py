"""Past loads as facts that a load model is learned from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Ending(Enum):
    """How a load ended. `UNFINISHED`: it was at work for so long, and nobody knows for how much longer."""

    LOADED = "loaded"
    UNFINISHED = "unfinished"
    FAILED = "failed"


class LoadGroup(NamedTuple):
    """So many loads that took equally long. `weight`: how much each of them counts, 1 for a load of these months."""

    seconds: float
    number: int = 1
    ending: Ending = Ending.LOADED
    weight: float = 1.0


class PastLoads(NamedTuple):
    """The loads of one level: those that keep_ready saw, and users' loads, of which VCL's log knows."""

    seen: Sequence[LoadGroup] = ()
    logged: Sequence[LoadGroup] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The past loads that say something of an image's next load, each in one level only.

    `image`: of its other revisions; `engine`: of other images that its provisioning engines loaded; `site`: of images
    that other engines loaded.
    """

    revision: PastLoads = field(default=PastLoads())
    image: PastLoads = field(default=PastLoads())
    engine: PastLoads = field(default=PastLoads())
    site: PastLoads = field(default=PastLoads())
