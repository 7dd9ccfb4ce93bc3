"""Texts of records as pages show them: VCL's inner words with plain ones beside them, times as people write them.

Records, commands and the interface for programs keep the texts as they are.
"""

import re
from datetime import datetime

from blockalloc import clock
from blockalloc.pages.vcl_words import STATES
from blockalloc.site_time import site_zone

# States of computers whose names say nothing to those who do not know VCL.
_STATES = ("vmhostinuse", "hpc", "inuse", "timeout", "tovmhostinuse", "tomaintenance")
_STATE = re.compile(rf"\bstate (?:is )?({'|'.join(_STATES)})\b")
_MOMENT = r"(\d{4}-\d\d-\d\d \d\d:\d\d)"
_PERIOD = re.compile(rf"{_MOMENT} to {_MOMENT}")
_INSTANT = re.compile(_MOMENT)


def plain(text: str) -> str:
    """`its state is hpc (lent to a compute cluster)`, `from Mon 30 Nov 09:00 to 11:00`."""
    text = _STATE.sub(lambda found: f"{found[0]} ({STATES[found[1]]})", text)
    return _INSTANT.sub(lambda found: _moment(found[1]), _PERIOD.sub(_period, text))


def _period(found: re.Match[str]) -> str:
    """The end without its day, if it is that of the start."""
    start, end = found[1], found[2]
    return f"{_moment(start)} to {end[-5:] if start[:10] == end[:10] else _moment(end)}"


def _moment(text: str) -> str:
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M")
    except ValueError:
        return text
    this_year = datetime.fromtimestamp(clock.now(), site_zone()).year
    year = "" if local.year == this_year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"
