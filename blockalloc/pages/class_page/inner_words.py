"""What VCL's columns say of a class, with plain words beside them."""

from typing import NamedTuple

from blockalloc.models import BlockTime
from blockalloc.pages.columns import fact, moment
from scheduling.vcl_names import ACCEPTED


class InnerWord(NamedTuple):
    """A column of VCL: its `name`, its `value`, and what that means."""

    name: str
    value: str
    meaning: str


def inner_words(time: BlockTime) -> list[InnerWord]:
    """VCL's columns of a block time and of its block request."""
    request = time.blockRequest
    asked = "has asked" if time.processed else "has not asked yet"
    happens = "does not take place" if time.skip else "takes place"
    status = "its classes take place" if request.status == ACCEPTED else "its classes do not take place"
    revision = fact(time, "revision_name")
    return [
        InnerWord("block time", f"{time.pk}", "the number of this class"),
        InnerWord("start", moment(time.start), "in site time"),
        InnerWord("end", moment(time.end), "in site time"),
        InnerWord("processed", _yes_or_no(time.processed), f"VCL’s back end {asked} for its computers"),
        InnerWord("skip", _yes_or_no(time.skip), f"the class {happens}"),
        InnerWord("block request", f"{request.pk}", "the number of its series"),
        InnerWord("status", request.status, f"of the series: {status}"),
        InnerWord("expire time", moment(request.expireTime), "nobody asks for computers of the series after that"),
        InnerWord("number of machines", f"{request.numMachines}", "what each class of the series wants"),
        InnerWord("image revision", revision or "none", "the one in production, which is loaded"),
    ]


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"
