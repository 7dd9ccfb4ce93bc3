"""What would help a class that lacks machines, or is at risk: a list for its page, and a line for "Today"."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.models.scope import scope_of
from blockalloc.pages import vcl_pages
from blockalloc.pages.frame import page, require_permission, staff_caller, visible_block_time, without_parameter
from blockalloc.pages.short_names import short_names
from blockalloc.remedies import helping
from blockalloc.remedies.kinds import Help, Kind, Named, Other, Remedy
from blockalloc.reports.forecasts import Forecasts
from blockalloc.site_time import site_zone
from scheduling.readiness import ASKED_AHEAD
from scheduling.wording import date_and_time, plural, span

OTHERS = "a class of another affiliation"
_SECONDS, _SECONDS_OF_LINE = 1.0, 0.5  # for plans
_NAMES = 12  # of computers in a sentence
_IN_LINE = 2  # offers on "Today"


class Offer(NamedTuple):
    """One thing that would help, in words (HTML), with the number of machines that it brings.

    `button` leads to `address`; "" where the person may not do it, or it is not done on a page. `is_vcl`: the page is
    one of VCL's own. `style` are CSS classes of the button: "primary" for the first one, "danger" for one that takes
    something away from another class. `is_by_hand`: somebody has to go to the machines, so it is not sure to work.
    """

    machines: int
    words: SafeString
    button: str = ""
    address: str = ""
    is_vcl: bool = False
    style: str = ""
    is_by_hand: bool = False


class Shown(NamedTuple):
    """What would help, as a page shows it; see `remedies.kinds.Help`.

    `is_foreseen`: nobody has asked for the computers of the class yet, and `has` are the machines that it will get.
    """

    wanted: int
    has: int
    offers: Sequence[Offer]
    obstacle: str
    is_complete: bool
    is_foreseen: bool = False


@require_permission("blockalloc.view_blocktime")
def what_would_help(request: HttpRequest, block_time_id: int) -> HttpResponse:
    """A page of its own; with `?part=row` the first offers, with `?part=all` all of them, as a piece of a page,
    and with `plain` none of the offers is primary: something else on the page that asks is.

    Raises Http404 for a block time that the person may not see.
    """
    time, is_plain = visible_block_time(request, block_time_id), "plain" in request.GET
    if request.GET.get("part") == "row":
        shown = of_class(request, time, seconds=_SECONDS_OF_LINE, is_thorough=False)
        offers = [each for each in shown.offers if each.machines][:_IN_LINE] if shown else []
        context = {"offers": offers if is_plain else with_primary(offers), "time": time}
        return TemplateResponse(request, "blockalloc/help_line.html", context)
    shown = of_class(request, time)
    if shown and not is_plain:
        shown = shown._replace(offers=with_primary(shown.offers))
    context = {"time": time, "help": shown}
    if request.GET.get("part") == "all":
        return TemplateResponse(request, "blockalloc/help.html", {**context, "beside_class": True})
    return page(request, "blockalloc/what_would_help.html", f"What would help: {time.blockRequest.name}", **context)


def of_class(
    request: HttpRequest, time: BlockTime, *, seconds: float = _SECONDS, is_thorough: bool = True
) -> Shown | None:
    """What would help a class, in the words and with the links that the person may see; None for one that is over."""
    found = helping.of_class(time.pk, staff_caller(request), clock.now(), seconds=seconds, is_thorough=is_thorough)
    return None if found is None else _shown(request, time, found)


def _shown(request: HttpRequest, time: BlockTime, found: Help) -> Shown:
    """No offer brings more than is missing; where nothing will be, there is none."""
    foreseen = _foreseen(request, time, found)
    has = found.has if foreseen is None else foreseen
    missing = max(found.wanted - has, 0)
    remedies = [replace(each, machines=min(each.machines, missing)) for each in found.remedies]
    put_right = sum(each.machines for each in remedies if each.kind is Kind.PUT_RIGHT)
    offered = offers(request, time, remedies, has + put_right) if missing or foreseen is None else []
    obstacle = without_parameter(found.obstacle)
    return Shown(found.wanted, has, offered, obstacle, found.is_complete, foreseen is not None)


def _foreseen(request: HttpRequest, time: BlockTime, found: Help) -> int | None:
    """The machines that a class without any will get by the forecast; None where that does not say it.

    What is missing then is less than all: its computers will be asked for.
    """
    if found.has or not found.remedies or any(each.kind is Kind.ALLOCATE for each in found.remedies):
        return None  # as it has some, cannot be helped, or is to have fewer than its series wants
    forecast = Forecasts(clock.now(), scope_of(request.user)).of_block_times([time.pk]).get(time.pk)
    if forecast is None or forecast.wanted < found.wanted or forecast.start - clock.now() <= ASKED_AHEAD:
        return None
    return forecast.machines


def offers(request: HttpRequest, time: BlockTime, remedies: Sequence[Remedy], has: int) -> list[Offer]:
    """The remedies of a class as offers. `has`: its machines once it is put right. One statement at most."""
    visible = _visible(request, [each.other.block_time_id for each in remedies if each.other])
    return [_offer(request, time, each, visible, has)._replace(style=_style(each)) for each in remedies]


def with_primary(offered: Sequence[Offer]) -> list[Offer]:
    """The offers, the first button among them as the primary one."""
    first = next((number for number, each in enumerate(offered) if each.button), None)
    return [
        each._replace(style=f"primary {each.style}".strip()) if number == first else each
        for number, each in enumerate(offered)
    ]


def _style(remedy: Remedy) -> str:
    """That a button takes computers from a class that may still use them."""
    return "danger" if remedy.kind is Kind.IDLE else ""


def _visible(request: HttpRequest, ids: Collection[int]) -> set[int]:
    """Those of the block times that the person may see."""
    if not ids or not scope_of(request.user).is_limited:
        return set(ids)
    return {*BlockTime.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", flat=True)}


def _offer(request: HttpRequest, time: BlockTime, remedy: Remedy, visible: Collection[int], has: int) -> Offer:
    words = _words(remedy, visible)
    match remedy.kind:
        case Kind.PUT_RIGHT:
            return Offer(remedy.machines, words, *_action(request, time.pk, "put-right", "Put right now"))
        case Kind.ALLOCATE | Kind.PRIVILEGES:
            return Offer(remedy.machines, words, *_action(request, time.pk, "allocate", "Allocate now"))
        case Kind.LEFT_OVER | Kind.SPARES | Kind.IDLE:
            assert remedy.other is not None, "it is about another class"
            if remedy.other.block_time_id not in visible:
                return Offer(remedy.machines, words)
            name, title, chosen = "release", "Release", ""
            if remedy.kind is not Kind.LEFT_OVER:
                title = f"Release {len(remedy.computers)} from {remedy.other.name}"
                name, chosen = "release-some", f"choose={_ids(remedy)}&"
            button, address = _action(request, remedy.other.block_time_id, name, title)
            could_have = min(has + remedy.machines, time.blockRequest.numMachines)
            query = f"{chosen}for={time.pk}&could_have={could_have}"
            return Offer(remedy.machines, words, button, address and f"{address}?{query}")
        case Kind.SERVICE:
            offer = _offer_of_vcl(remedy, words, "VCL’s computers", vcl_pages.address("computer"))
            return offer._replace(is_by_hand=True)
        case Kind.LATER | Kind.FEWER:
            return _offer_of_vcl(remedy, words, "VCL’s block allocations", vcl_pages.address("blockAllocations"))
    return Offer(remedy.machines, words)


def _offer_of_vcl(remedy: Remedy, words: SafeString, button: str, address: str) -> Offer:
    return Offer(remedy.machines, words, button if address else "", address, is_vcl=True)


def _action(request: HttpRequest, block_time_id: int, name: str, title: str) -> tuple[str, str]:
    """The title of an action and its address, for people who may take it; otherwise "" for both."""
    from blockalloc.pages.actions import ACTIONS  # it imports the pages of the actions, one of which imports this one

    if not request.user.has_perm(ACTIONS[name].permission):
        return "", ""
    return title, reverse("admin:blocktime_action", args=[block_time_id, name])


# --- Words ----------------------------------------------------------------------------------------


def _words(remedy: Remedy, visible: Collection[int]) -> SafeString:
    match remedy.kind:
        case Kind.LEFT_OVER:
            text = "release the computers of {}, which will not take place"
            return format_html(text, _class(remedy.other, visible))
        case Kind.SPARES:
            text = "take {} from {}, which has all its machines"
            return format_html(text, plural(len(remedy.computers), "spare computer"), _class(remedy.other, visible))
        case Kind.IDLE:
            return _idle(remedy, visible)
        case Kind.SERVICE:
            return format_html("put {} back in service", _by_state(remedy))
        case Kind.RELOADS:
            return format_html("{}: <code>check_vcl --repair</code> on the server does it", remedy.words)
        case Kind.PRIVILEGES:
            return format_html("{}", "count computers that are not granted to members of the user group")
        case Kind.LATER:
            return format_html("start at {}: {}", date_and_time(remedy.start, clock.now(), site_zone()), remedy.words)
        case Kind.FEWER:
            return format_html("ask for fewer machines: {}", remedy.words)
    return format_html("{}", remedy.words)


def _idle(remedy: Remedy, visible: Collection[int]) -> SafeString:
    other = remedy.other
    assert other is not None, "it is about another class"
    used = f"{other.in_use} in use" if other.in_use else "none in use"
    return format_html(
        "{} holds {}, {} {} after its start: release {}",
        _class(other, visible),
        plural(other.computers, "computer"),
        used,
        span(max(clock.now() - other.start, 0)),
        len(remedy.computers),
    )


def _class(other: Other | None, visible: Collection[int]) -> str:
    assert other is not None, "it is about another class"
    if other.block_time_id not in visible:
        return OTHERS
    address = reverse("admin:blockalloc_blocktime_change", args=[other.block_time_id])
    return format_html('<a href="{}">{}</a>', address, other.name)


def _by_state(remedy: Remedy) -> SafeString:
    """Links to the computers with their states: `cs-07 and cs-31 (failed), lib-05 (maintenance)`."""
    shown = sorted(remedy.computers[:_NAMES], key=lambda each: each.state)
    parts = [
        format_html("{} ({})", _links([*computers]), state)
        for state, computers in groupby(shown, key=lambda each: each.state)
    ]
    more = len(remedy.computers) - len(shown)
    rest = format_html(" and {} more", more) if more else ""
    return format_html("{}{}", format_html_join(", ", "{}", ((each,) for each in parts)), rest)


def _links(computers: Sequence[Named]) -> SafeString:
    """`cs-07, cs-31 and cs-44`."""
    names = short_names()
    links = [
        format_html(
            '<a class="nowrap" href="{}" title="{}">{}</a>',
            reverse("admin:blockalloc_computer_change", args=[each.id]),
            each.hostname,
            names.of(each.hostname),
        )
        for each in computers
    ]
    if len(links) == 1:
        return links[0]
    return format_html("{} and {}", format_html_join(", ", "{}", ((each,) for each in links[:-1])), links[-1])


def _ids(remedy: Remedy) -> str:
    return ",".join(str(each.id) for each in remedy.computers)
