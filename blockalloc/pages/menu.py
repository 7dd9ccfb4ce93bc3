"""The menu on top of every page: what the person on duty and the auditor look for first."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A page in the menu: the name of its address, what the menu calls it, who may see it, what it answers."""

    name: str
    title: str
    permission: str
    about: str


ENTRIES = (
    Entry("today", "Today", "blockalloc.view_blocktime", "What is on today: is everything ready, and what is at risk?"),
    Entry("week", "This week", "blockalloc.view_blocktime", "The same for each day of a week."),
    Entry(
        "blockalloc_blocktime_changelist",
        "Block times",
        "blockalloc.view_blocktime",
        "Which computers has a class, what is loaded on them, what was done about it? Allocate, release, skip.",
    ),
    Entry(
        "timeline", "Timeline", "blockalloc.view_blocktime", "Which computer is booked for what, and when does it load?"
    ),
    Entry(
        "blockalloc_blockrequest_changelist",
        "Block requests",
        "blockalloc.view_blockrequest",
        "A class with all its times.",
    ),
    Entry(
        "blockalloc_decision_changelist",
        "Decisions",
        "blockalloc.view_decision",
        "Why was a computer chosen or left out? Who called, who released, and when?",
    ),
    Entry(
        "blockalloc_computer_changelist",
        "Computers",
        "blockalloc.view_computer",
        "What a computer is booked for, when it loads next, how its last loads went.",
    ),
    Entry(
        "blockalloc_image_changelist",
        "Images",
        "blockalloc.view_image",
        "How long an image takes to load, and whether plans may trust the estimate.",
    ),
    Entry(
        "feeds",
        "Calendars",
        "blockalloc.view_blocktime",
        "Addresses of calendar feeds, for each user group and for all.",
    ),
)
