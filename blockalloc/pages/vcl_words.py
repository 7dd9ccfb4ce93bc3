"""Plain words for VCL's inner ones, which stay beside them: staff meet them on VCL's own pages and in its log.

Records, commands and the interface for programs keep the texts as they are.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from django.utils.html import format_html

from blockalloc import clock
from blockalloc.site_time import site_zone

# States of computers, and of requests.
STATES: Mapping[str, str] = {
    "hpc": "lent to a compute cluster",
    "inuse": "in use",
    "new": "being made ready for a user",
    "pending": "being prepared",
    "reload": "waiting to be loaded",
    "reloading": "being loaded",
    "reserved": "reserved by a user",
    "timeout": "user's time is over",
    "tohpc": "to be lent to a compute cluster",
    "tomaintenance": "going into maintenance",
    "tovmhostinuse": "becoming a VM host",
    "vmhostinuse": "VM host in use",
}
TYPES: Mapping[str, str] = {"lab": "lab computer", "virtualmachine": "virtual machine"}
INSTALL_TYPES: Mapping[str, str] = {
    "image": "disk image",
    "kickstart": "installed by Kickstart",
    "none": "not installed by VCL",
    "partimage": "disk image",
    "vbox": "disk of a virtual machine",
    "vmware": "disk of a virtual machine",
}
_STATE = re.compile(rf"\bstate (?:is )?({'|'.join(STATES)})\b")
# What staff have not filled in, and sentences of records that begin with a small letter.
_PARAMETER = re.compile(r"^blockTimeid: ", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=\. )(?:no other|no further|given up|loaded again|not loaded again|taken)\b")
_MOMENT = r"(\d{4}-\d\d-\d\d \d\d:\d\d)"
_PERIOD = re.compile(rf"{_MOMENT} to {_MOMENT}")
_INSTANT = re.compile(_MOMENT)


def plain(words: Mapping[str, str], word: str) -> str:
    """The plain word for a word of VCL; the word itself if that is plain."""
    return words.get(word, word)


def both(words: Mapping[str, str], word: str) -> str:
    """The plain word, with VCL's after it, quietly, if it is another: `VM host in use (vmhostinuse)`."""
    said = plain(words, word)
    return format_html('{} <span class="quiet">({})</span>', said, word) if said != word else word


def both_as_text(words: Mapping[str, str], word: str) -> str:
    """The same as a text, for the options of filters."""
    said = plain(words, word)
    return f"{said} ({word})" if said != word else word


def in_plain_words(text: str) -> str:
    """The text of a record, as pages show it: `its state is hpc (lent to …)`, `from Mon 30 Nov 09:00 to 11:00`."""
    text = _SENTENCE.sub(lambda found: f"{found[0][0].upper()}{found[0][1:]}", _PARAMETER.sub("", text))
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
