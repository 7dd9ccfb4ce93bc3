"""The menu at the top of every page, in the order in which the person on duty and auditors need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from django.http import HttpRequest
from django.urls import reverse

CLASSES, RECORDS, COMPUTERS, OWN, ACCOUNTS = "Classes", "Records", "Computers", "Yours", "Accounts"
# How an entry is in the bar: always, on wide windows only, or not at all.
ALWAYS, WIDE = "always", "wide"


class Entry(NamedTuple):
    """A page in the menu: the name of its URL, its title, its permission, the question it answers, its group.

    `bar` says when it is in the bar itself, and not only in the panel that has all pages.
    """

    name: str
    title: str
    permission: str
    about: str
    group: str
    bar: str = ""


ENTRIES = (
    Entry(
        "today",
        "Today",
        "blockalloc.view_blocktime",
        "Is everything ready that is on today, and what is at risk?",
        CLASSES,
        ALWAYS,
    ),
    Entry(
        "week",
        "This week",
        "blockalloc.view_blocktime",
        "What is on in a week, and which classes will lack machines next week, or later?",
        CLASSES,
        ALWAYS,
    ),
    Entry(
        "timeline",
        "Timeline",
        "blockalloc.view_blocktime",
        "Which computer is booked for what, and when does it load?",
        CLASSES,
        ALWAYS,
    ),
    Entry(
        "blockalloc_blocktime_changelist",
        "Classes",
        "blockalloc.view_blocktime",
        "All classes, to search: VCL’s block times.",
        CLASSES,
        WIDE,
    ),
    Entry(
        "blockalloc_blockrequest_changelist",
        "Series",
        "blockalloc.view_blockrequest",
        "Series of classes with all their dates: VCL’s block requests.",
        CLASSES,
        WIDE,
    ),
    Entry(
        "plan_series",
        "Plan a series",
        "blockalloc.dry_run_blocktime",
        "Is a series of dates possible, before anybody books it? What would help where it is not?",
        CLASSES,
        WIDE,
    ),
    Entry(
        "blockalloc_decision_changelist",
        "Decisions",
        "blockalloc.view_decision",
        "Why was a computer chosen or not? Who called, who released, and when?",
        RECORDS,
        WIDE,
    ),
    Entry(
        "semester",
        "Semester",
        "blockalloc.view_blocktime",
        "What did classes ask for, get and use in the last months, by series, image, month or owner?",
        RECORDS,
        WIDE,
    ),
    Entry(
        "predictions",
        "Predictions and outcomes",
        "blockalloc.view_blocktime",
        "Were classes as ready as the service predicted? Which images load more slowly than they did?",
        RECORDS,
    ),
    Entry(
        "blockalloc_message_changelist",
        "Notifications",
        "blockalloc.view_message",
        "What were people told, by mail and by webhook? What waits, and what could not be delivered?",
        RECORDS,
    ),
    Entry(
        "blockalloc_computer_changelist",
        "Computers",
        "blockalloc.view_computer",
        "What is a computer booked for, when does it load next, how did its last loads go?",
        COMPUTERS,
    ),
    Entry(
        "blockalloc_image_changelist",
        "Images",
        "blockalloc.view_image",
        "How long does an image take to load, and can plans rely on the estimate?",
        COMPUTERS,
    ),
    Entry(
        "blockalloc_request_changelist",
        "Reloads",
        "blockalloc.view_request",
        "Which computers will be loaded for classes, when, and by which management node?",
        COMPUTERS,
    ),
    Entry(
        "my_notifications",
        "My notifications",
        "blockalloc.view_blocktime",
        "Which mails do I get about classes, and at which address?",
        OWN,
    ),
    Entry(
        "feeds",
        "Calendars",
        "blockalloc.view_blocktime",
        "Addresses for calendar programs: make them for a user group or for all classes, revoke them.",
        OWN,
    ),
    Entry(
        "auth_user_changelist", "Users", "auth.view_user", "Accounts of this service, besides those of VCL.", ACCOUNTS
    ),
    Entry("auth_group_changelist", "Groups", "auth.view_group", "Permissions that several users have.", ACCOUNTS),
)


class Link(NamedTuple):
    """An entry as a person sees it. `is_first`: on every window it is in the bar.

    `current` is the value of aria-current: "page" on the page itself, "true" on those below it, else "".
    """

    title: str
    address: str
    about: str
    is_first: bool
    current: str


@dataclass(frozen=True, slots=True)
class Menu:
    """The entries that a person may see: in the bar, in the panel by group, and those about the person."""

    bar: Sequence[Link]
    groups: Sequence[tuple[str, Sequence[Link]]]
    own: Sequence[Link]


def menu(request: HttpRequest) -> Menu:
    """The menu of the person who is signed in."""
    entries = [entry for entry in ENTRIES if request.user.has_perm(entry.permission)]
    groups = [
        (name, _links(list(each), request.path)) for name, each in groupby(entries, key=lambda entry: entry.group)
    ]
    return Menu(
        bar=_links([entry for entry in entries if entry.bar], request.path),
        groups=groups,
        own=next((links for name, links in groups if name == OWN), []),
    )


def _links(entries: Sequence[Entry], path: str) -> list[Link]:
    return [_link(entry, reverse(f"admin:{entry.name}"), path) for entry in entries]


def _link(entry: Entry, address: str, path: str) -> Link:
    current = "page" if path == address else "true" if path.startswith(address) else ""
    return Link(entry.title, address, entry.about, entry.bar == ALWAYS, current)
