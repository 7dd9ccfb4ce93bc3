"""Links to VCL's own pages, where computers and block allocations are changed (VCL_FRONT_END_URL)."""

from typing import Literal

from django.conf import settings

# Modes with which VCL's pages can be entered from outside.
Mode = Literal["blockAllocations", "computer"]


def address(mode: Mode) -> str:
    """The address of one of VCL's pages; "" where that of its front end is not known."""
    return f"{settings.VCL_FRONT_END_URL}?mode={mode}" if settings.VCL_FRONT_END_URL else ""
