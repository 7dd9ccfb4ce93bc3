"""The actions that take computers from a class: "Release", "Skip", and "Release some", for which some are chosen.

In the address `?for=101` names the class that is to have the computers: it is put right after the release. How many
machines it `could_have` then is what a plan has said of those in `choose`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from blockalloc import clock
from blockalloc.contract.messages import Caller
from blockalloc.contract.staff_reason import cleaned
from blockalloc.models import BlockTime
from blockalloc.pages import putting_right
from blockalloc.pages.frame import page_of_block_time
from blockalloc.pages.release_words import in_sentences
from blockalloc.pages.short_names import short_names
from blockalloc.pages.vcl_words import in_plain_words
from blockalloc.upkeep import releasing
from scheduling.state_ids import RELOAD
from scheduling.upkeep.condition import Condition, Kind
from scheduling.upkeep.releasing import is_free, is_in_use, is_reserved
from scheduling.wording import of_wanted, plural, span

NO_RELOAD = "it has no reload to remove"
_MOST = 2000  # ids of computers in a form
_IN_STATE = "is in state "


class Row(NamedTuple):
    """A computer on the page, and the name of its box: `in_use` for those that are not free.

    `effect`: what happens to its reload; "" for a computer without.
    """

    id: int
    hostname: str
    state: str
    effect: str
    box: str
    is_chosen: bool


def by_reason(
    work: Callable[[int, Caller, str], str],
) -> Callable[[HttpRequest, BlockTime, Caller], HttpResponse]:
    """An action that does `work` to a block time for the reason in the form. Raises Refusal."""

    def run(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
        text = work(time.pk, caller, cleaned(request.POST.get("reason", "")))
        messages.success(request, short_names().in_text(in_sentences(text)))
        return _passed_on(request, time, caller)

    return run


def release_some(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    """Release the computers that were chosen; the next page says what was done. Raises Refusal."""
    reason = cleaned(request.POST.get("reason", ""))
    free, in_use = (_ids(request.POST.getlist(name)) for name in ("computer", "in_use"))
    done = releasing.release_some(time.pk, free, in_use, caller, reason)
    add = messages.success if done.is_done else messages.warning
    add(request, short_names().in_text(in_sentences(done.text)))
    return _passed_on(request, time, caller) if done.is_done else page_of_block_time(time)


def check(request: HttpRequest) -> str:
    """What is wrong with the form in which computers are chosen; "" for nothing."""
    is_any = _ids([*request.POST.getlist("computer"), *request.POST.getlist("in_use")])
    return "" if is_any else "tick the computers to release"


def details(request: HttpRequest, time: BlockTime, caller: Caller) -> Mapping[str, object]:
    """The computers to choose from. In the address `?computers=3` chooses three, `?choose=17,18` those with the ids."""
    choice = releasing.choice(time.pk)
    computers = sorted(choice.computers, key=lambda each: not _is_useless(each))
    chosen = _chosen(request, computers)
    if request.method != "POST":  # these are free; what is ticked beforehand should be in view
        computers.sort(key=lambda each: each.computer.id not in chosen)
    rows = [_row(each, is_chosen=each.computer.id in chosen) for each in computers]
    some_in_use = any(row.box == "in_use" for row in rows)
    shown = {"choice": rows, "machines_now": choice.machines, "some_in_use": some_in_use}
    shown |= {"chosen_number": sum(row.is_chosen for row in rows)}
    shown |= {"why_chosen": _why_chosen(request, [each for each in computers if each.computer.id in chosen], time)}
    shown |= {"used": _used(computers, time)}
    is_as_offered = chosen == _ids(request.GET.get("choose", "").split(","))
    return {**shown, **_for_receiver(request, time, is_as_offered=is_as_offered)}


def receiver(request: HttpRequest, time: BlockTime, _caller: Caller) -> Mapping[str, object]:
    """The class that is to have the computers, for the page on which all of them are released."""
    return _for_receiver(request, time, is_as_offered=True)


def _for_receiver(request: HttpRequest, time: BlockTime, *, is_as_offered: bool) -> Mapping[str, object]:
    """The class that is to have the computers, and how many machines it could have then.

    The number is left out where others are chosen than those that were offered.
    """
    to, number = _receiver(request, time), request.GET.get("could_have", "")
    if to is None or not is_as_offered or not number.isdecimal() or len(number) > len(str(to.blockRequest.numMachines)):
        return {"receiver": to}
    wanted = to.blockRequest.numMachines
    return {"receiver": to, "could_have": of_wanted(min(int(number), wanted), wanted)}


def _receiver(request: HttpRequest, time: BlockTime) -> BlockTime | None:
    """None where the address names none, or one that the person may not see or put right."""
    ids = _ids([request.GET.get("for", "")]) - {time.pk}
    if not ids or not request.user.has_perm(putting_right.PERMISSION):
        return None
    return BlockTime.objects.visible_to(request.user).select_related("blockRequest").filter(pk__in=ids).first()


def _passed_on(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    """Put the class right that is to have the computers, and go to its page; without one to that of `time`."""
    if (to := _receiver(request, time)) is None:
        return page_of_block_time(time)
    putting_right.put_right_too(request, to, caller)
    return page_of_block_time(to)


def _chosen(request: HttpRequest, computers: Collection[Condition]) -> set[int]:
    """Those that are chosen when the page is shown: on a page that comes back, those that the person has chosen."""
    if request.method == "POST":
        return _ids([*request.POST.getlist("computer"), *request.POST.getlist("in_use")])
    free = [each.computer.id for each in computers if is_free(each)]
    if wanted := _ids(request.GET.get("choose", "").split(",")):
        return wanted & {*free}
    number = request.GET.get("computers", "")
    return set(free[: int(number)]) if number.isdecimal() and len(number) < 6 else set()


def _used(computers: Collection[Condition], time: BlockTime) -> str:
    """`None of its 50 computers is in use 40 min after its start, 2 are reserved.`; "" for a class without any."""
    if not computers:
        return ""
    used, since = sum(map(is_in_use, computers)), clock.now() - int(time.start.timestamp())
    number = f"{used or 'None'} of its {plural(len(computers), 'computer')}"
    after = f" {span(since)} after its start" if since > 0 else ""
    reserved = sum(is_reserved(each) and not is_in_use(each) for each in computers)
    others = f", {reserved} {'is' if reserved == 1 else 'are'} reserved" if reserved else ""
    return f"{number} {'are' if used > 1 else 'is'} in use{after}{others}."


def _is_useless(each: Condition) -> bool:
    """Whether the computer will not be ready, and nobody uses or reserves it: it goes before all others."""
    return (each.kind is Kind.LOST or each.readiness.state == "failed") and is_free(each)


def _why_chosen(request: HttpRequest, chosen: Collection[Condition], time: BlockTime) -> str:
    """Why these are chosen when the page is shown; "" when none is, or when the person has chosen them."""
    if not chosen or request.method == "POST":
        return ""
    if request.GET.get("choose"):
        to = _receiver(request, time)
        return f"{to.blockRequest.name if to else 'another class'} could use {_these(chosen)}"
    useless = sum(map(_is_useless, chosen))
    ready = sum(each.readiness.is_ready and not _is_useless(each) for each in chosen)
    waiting = len(chosen) - useless - ready
    parts = [
        f"{useless} that will not be ready" if useless else "",
        f"{waiting} that would be ready last" if waiting else "",
        f"{ready} {'that is ready' if ready == 1 else 'that are ready'}, since there are no others" if ready else "",
    ]
    return f"{' and '.join(filter(None, parts))}; the class will miss {_these(chosen)} least"


def _these(computers: Collection[Condition]) -> str:
    return "it" if len(computers) == 1 else "them"


def _ids(texts: Collection[str]) -> set[int]:
    return {int(text) for text in [*texts][:_MOST] if text.isdecimal() and len(text) < 10}


def _row(each: Condition, *, is_chosen: bool) -> Row:
    facts = each.computer.facts
    state = in_plain_words(each.readiness.fault.one).removeprefix(_IN_STATE) if each.readiness.fault else ""
    state = state or each.readiness.state
    if is_in_use(each) or is_reserved(each):
        who = "in use by a member" if is_in_use(each) else f"{state}, and reserved by a member"
        state = f"{who}: the reservation goes on, but the computer is no longer kept for the class"
    elif each.computer.live_semaphore:
        state = f"{state}; somebody is reserving it at this moment"
    box = "computer" if is_free(each) else "in_use"
    effect = effect_on_reload(facts.reload_state, facts.reload_last_state)
    effect = "" if effect == NO_RELOAD else effect
    return Row(each.computer.id, each.hostname, state, effect, box, is_chosen)


def effect_on_reload(state_id: int, last_state_id: int) -> str:
    """What taking a computer from a class does to its reload; the states are those of the reload's request."""
    if not state_id:
        return NO_RELOAD
    is_waiting = (state_id, last_state_id) == (RELOAD, RELOAD)
    return "its reload will be removed" if is_waiting else "its load continues"
