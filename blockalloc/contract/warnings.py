"""The warnings of calls in words for staff. VCL's own texts (see `messages`) are for its back end, which mails them."""

import re

from blockalloc.contract.messages import WARNING_LATE, WARNING_NOTHING_ALLOCATED
from scheduling.wording import of_wanted

_VCL_TEXTS = dict((WARNING_LATE, WARNING_NOTHING_ALLOCATED))
_NOTHING, _NONE, _NO_FURTHER = (
    WARNING_NOTHING_ALLOCATED[0],
    "no machine could be allocated",
    "no further machine could be allocated",
)
_BEGINNING = re.compile(rf"\A(?:{_NONE}|{_NO_FURTHER}: \d+ of \d+ machines?)(?:\. |\Z)")


def in_words(code: int, allocated: int, wanted: int) -> str:
    """What a warning says of a block time that has `allocated` of the `wanted` machines after the call.

    VCL's "unable to allocate any machines" is not true of a block time that had some before.
    """
    if code != _NOTHING:
        return _VCL_TEXTS[code]
    return f"{_NO_FURTHER}: {of_wanted(allocated, wanted)}" if allocated else _NONE


def vcl_words(code: int | None) -> str:
    """A warning as VCL's back end has it: `warning 14: unable to allocate any machines`."""
    text = _VCL_TEXTS.get(code or 0, "")
    return f"warning {code}: {text}" if text else f"warning {code}"


def without_warning(code: int | None, text: str) -> str:
    """The text of a decision record without its warning, whether in VCL's words or in ours: the reasons."""
    vcl_text = _VCL_TEXTS.get(code or 0, "")
    if vcl_text and text.startswith(vcl_text):
        return text.removeprefix(vcl_text).removeprefix(". ")
    return _BEGINNING.sub("", text) if code == _NOTHING else text


def record_in_words(code: int | None, text: str, allocated: int | None, wanted: int | None) -> str:
    """The text of a decision record: those of earlier releases have VCL's words."""
    if code != _NOTHING or allocated is None or wanted is None or not text.startswith(_VCL_TEXTS[_NOTHING]):
        return text
    return ". ".join(filter(None, [in_words(code, allocated, wanted), without_warning(code, text)]))
