"""The menu at the top of every page, in the order in which the person on duty and auditors need it."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A page in the menu: the name of its URL, its title, its permission, and what the first page says about it."""

    name: str
    title: str
    permission: str
    about: str


ENTRIES = (
    Entry("today", "Today", "blockalloc.view_blocktime", "What is on today: is everything ready, and what is at risk?"),
    Entry(
        "week",
        "This week",
        "blockalloc.view_blocktime",
        "The same for each day of a week. What will be short next week, or later?",
    ),
    Entry(
        "blockalloc_blocktime_changelist",
        "Block times (classes)",
        "blockalloc.view_blocktime",
        "Which computers does a class have, what is loaded on them, what was done? Allocate, release, skip.",
    ),
    Entry(
        "timeline", "Timeline", "blockalloc.view_blocktime", "Which computer is booked for what, and when does it load?"
    ),
    Entry(
        "plan_series",
        "Plan a series",
        "blockalloc.dry_run_blocktime",
        "Is a series of dates possible, before anybody books it? What would help where it is not?",
    ),
    Entry(
        "blockalloc_blockrequest_changelist",
        "Block requests (series)",
        "blockalloc.view_blockrequest",
        "A series of classes with all its dates.",
    ),
    Entry(
        "blockalloc_decision_changelist",
        "Decisions",
        "blockalloc.view_decision",
        "Why was a computer chosen or not? Who called, who released, and when?",
    ),
    Entry(
        "blockalloc_computer_changelist",
        "Computers",
        "blockalloc.view_computer",
        "What is a computer booked for, when does it load next, how did its last loads go?",
    ),
    Entry(
        "blockalloc_image_changelist",
        "Images",
        "blockalloc.view_image",
        "How long does an image take to load, and can plans rely on the estimate?",
    ),
    Entry(
        "said_and_came",
        "Said and came",
        "blockalloc.view_blocktime",
        "Were classes as ready as the service said before? Which images load more slowly than they did?",
    ),
    Entry(
        "semester",
        "Semester",
        "blockalloc.view_blocktime",
        "What did classes ask for, get and use in the last months, by series, image, month or owner?",
    ),
    Entry(
        "blockalloc_message_changelist",
        "Notifications",
        "blockalloc.view_message",
        "What were people told, by mail and by webhook? What waits, and what could not be delivered?",
    ),
    Entry(
        "my_notifications",
        "My notifications",
        "blockalloc.view_blocktime",
        "Which mails do I get about classes, and at which address?",
    ),
    Entry(
        "feeds",
        "Calendars",
        "blockalloc.view_blocktime",
        "Addresses for calendar programs: make them for a user group or for all classes, see when each was last read, "
        "revoke them.",
    ),
)
