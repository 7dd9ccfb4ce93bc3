"""The answer of a decision, or of a dry run: the machines in large, why not more, and what took most."""

import json
import re
from typing import NamedTuple

from blockalloc.contract.warnings import without_warning
from blockalloc.models import Decision
from blockalloc.reports.decision import Report, said
from scheduling import wording
from scheduling.funnel import NOT_NEEDED

_LEVELS = {"success": "good", "completed": "good", "warning": "watch", "refused": "bad", "failed": "bad"}
_RELEASED = re.compile(r"(.*\breloads removed: \d+[^:]*): (.+)", re.DOTALL)


class Answer(NamedTuple):
    """`number` in large, with `why`; then what took `most` of the computers, and how `sure` it was; "" for none.

    `level` is that of the card's edge: good, watch, bad, plain.
    """

    level: str
    number: str
    why: str
    most: str = ""
    sure: str = ""


def answer_of(decision: Decision, found: Report | None) -> Answer:
    """The answer of a record."""
    allocated, wanted = decision.allocated, decision.wanted
    if decision.action not in (Decision.ALLOCATE, Decision.DRY_RUN, Decision.KEEP_READY) or allocated is None:
        done, names = _released(decision.text)
        return Answer(_LEVELS.get(decision.outcome, "plain"), decision.outcome.capitalize(), done, names)
    missing = max((wanted or 0) - allocated, 0)
    level = "watch" if missing else _LEVELS.get(decision.outcome, "plain")
    number = wording.allocated(allocated, wanted, decision.spares or 0) if wanted is not None else str(allocated)
    why = _sentence(without_warning(decision.code, decision.text))
    return Answer(level, number, why, took_most(found) if missing else "", said(decision))


def _sentence(text: str) -> str:
    return f"{text}." if text and not text.endswith(".") else text


def _released(text: str) -> tuple[str, str]:
    """What was done, and the names of the computers that were released; "" for none."""
    found = _RELEASED.fullmatch(text)
    return (found[1], found[2]) if found else (text, "")


def took_most(found: Report | None) -> str:
    """What took most of the computers, in a sentence: the booking that holds most of them, else a rule."""
    if found is None or found.most is None:
        return ""
    able = wording.plural(found.able, "computer") if found.able else "no computer"
    fit = f"{able} of the site can run the image"
    about, number = found.bookings[0] if found.bookings else ("", 0)
    at_the_time = sum(step.computers for step in found.steps if step.is_about_time and step.rule != NOT_NEEDED)
    if 2 * number > at_the_time:
        return f"{fit}; most were lost to {about}, which holds {number} of them."
    if found.most.is_about_time:
        verb = "is" if found.most.computers == 1 else "are"
        return f"{fit}; {found.most.computers} of them {verb} {found.most.title}."
    others = "most others" if found.able else "most"
    return f"{fit}; {others} are {found.most.title}: {found.most.computers}."


def pretty(parameters: str) -> str:
    """JSON with a line for each value; any other text as it is."""
    try:
        return json.dumps(json.loads(parameters), indent=2, ensure_ascii=False)
    except ValueError:
        return parameters
