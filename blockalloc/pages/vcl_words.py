"""Plain words for VCL's inner ones, which stay beside them: staff meet them on VCL's own pages and in its log."""

from collections.abc import Mapping

from django.utils.html import format_html

# States of computers, and of requests.
STATES: Mapping[str, str] = {
    "hpc": "lent to a compute cluster",
    "inuse": "in use",
    "maintenance": "in maintenance",
    "new": "being made ready for a user",
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
