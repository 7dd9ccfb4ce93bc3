"""What policy `ready` plans reloads by (SPEC 6)."""

from dataclasses import dataclass

from scheduling.load_time.model import LoadModel
from scheduling.reloads.places import Places

VCL, READY = "vcl", "ready"  # policies
SPARES = "auto"  # classes get spares


@dataclass(frozen=True, slots=True)
class ReadyPolicy:
    """What a plan of policy `ready` rests on besides the facts of the site.

    `target`: the share of classes that are to have all machines ready at their start (0 to 1). `is_mended`: keep_ready
    runs, and makes up for loads that fail. `spares`: a class that would be less sure gets more machines than it needs;
    `awaited` computers are left alone then, since other classes at these hours still have to get as many.
    """

    model: LoadModel
    places: Places
    target: float
    is_mended: bool
    spares: bool = False
    awaited: int = 0
