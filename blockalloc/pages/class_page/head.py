"""The head of the page of a class: how it is, in a number, a word and a sentence."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from blockalloc.pages.block_days import signal_of
from blockalloc.pages.class_figure import to_come
from blockalloc.pages.classes_over import Over
from blockalloc.reports.readiness import BlockTimeReadiness
from scheduling.readiness import ASKED_AHEAD
from scheduling.wording import allocated, plural, span

_ICONS = {"bad": "bad", "watch": "watch", "good": "good"}
_WORTH_A_TITLE = ("bad", "watch")
_NO_COMPUTERS = re.compile(r"^no computers, begins in [^:;]+: (?=released )")
_NOT_ASKED_FOR = re.compile(r"not asked for yet, begins in [^;]+")
_WILL_BE = f"VCL’s back end asks for its computers {span(ASKED_AHEAD)} before the start"


class Head(NamedTuple):
    """`number` is in large letters, with `of` behind it: `17`, `of 20 machines usable, 6 ready`.

    `level` is the signal's, `label` its word, `words` the sentence; `left` says when the class begins or ends. `notes`
    are what the number leaves out.
    """

    level: str
    label: str
    number: int
    of: str
    left: str
    words: str
    notes: Sequence[str]

    @property
    def icon(self) -> str:
        """The icon beside the label."""
        return _ICONS.get(self.level, "plain")

    @property
    def in_title(self) -> str:
        """The label as a part of the page's title: only what one should see on a tab in the background."""
        return self.label if self.level in _WORTH_A_TITLE else ""


def head(class_: BlockTimeReadiness, now: int, over: Over | None = None) -> Head:
    """The head of a class at `now` (Unix seconds). `over`: what came of one that is over."""
    label, words = signal_of(class_, now)
    if not class_.is_current_or_upcoming(now):
        return _closed(class_, label, words, over)
    number, of = _figure(class_)
    level = class_.readiness.signal.level
    return Head(level, label, number, of, _left(class_, now), _in_plain_words(words), _notes(class_))


def _closed(class_: BlockTimeReadiness, label: str, words: str, over: Over | None) -> Head:
    """The head of a class that is over, or does not take place: nothing of it is usable, ready or late any more."""
    if over is not None:
        label, words = over.label, over.words
    had, wanted = class_.readiness.allocated, class_.readiness.wanted
    if over is not None and over.had is not None and over.wanted is not None:
        had, wanted = over.had, over.wanted
    if not had:
        return Head("plain", label, wanted, f"{'machine' if wanted == 1 else 'machines'} wanted", "", words, ())
    return Head("plain", label, had, f"of {plural(wanted, 'machine')} allocated", "", words, ())


def _in_plain_words(words: str) -> str:
    """That nobody has asked for computers yet, or that they were released: the head has said when the class begins."""
    return _NO_COMPUTERS.sub("", _NOT_ASKED_FOR.sub(_WILL_BE, words))


def _figure(class_: BlockTimeReadiness) -> tuple[int, str]:
    of = class_.readiness.numbers
    machines = plural(of.wanted, "machine")
    if not class_.readiness.computers:
        if _is_early(class_):
            yet = "" if class_.readiness.released else " yet"
            return of.wanted, f"{'machine' if of.wanted == 1 else 'machines'} wanted, no computers{yet}"
        return 0, f"of {machines}: no computers"
    if of.ready >= of.wanted:
        return of.ready, f"of {machines} ready"
    if _is_early(class_) and of.usable >= of.wanted:
        return of.allocated, f"of {machines} allocated"
    return of.usable, f"of {machines} usable, {of.ready} ready"


def _notes(class_: BlockTimeReadiness) -> list[str]:
    of = class_.readiness.numbers
    notes = [text] if (text := to_come(class_)) else []
    if of.allocated != of.usable or of.spares:
        notes.append(f"{allocated(of.allocated, of.wanted, of.spares)} allocated")
    if of.late:
        notes.append(f"{plural(of.late, 'machine')} late")
    if class_.readiness.computers and _is_early(class_):
        notes.append(f"nothing counts as ready until {span(ASKED_AHEAD)} before the start")
    return notes


def _is_early(class_: BlockTimeReadiness) -> bool:
    """Whether nobody has asked for its computers yet, as a rule."""
    return class_.readiness.left > ASKED_AHEAD


def _left(class_: BlockTimeReadiness, now: int) -> str:
    if not class_.is_current_or_upcoming(now):
        return ""
    left = class_.readiness.left
    return f"starts in {span(left)}" if left > 0 else f"on, ends in {span(class_.end - now)}"
