"""The menu on top of every page: what the person on duty and the auditor look for first."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A page in the menu: the name of its address, what the menu calls it, who may see it."""

    name: str
    title: str
    permission: str


ENTRIES = (
    Entry("today", "Today", "blockalloc.view_blocktime"),
    Entry("week", "This week", "blockalloc.view_blocktime"),
    Entry("blockalloc_blocktime_changelist", "Block times", "blockalloc.view_blocktime"),
    Entry("timeline", "Timeline", "blockalloc.view_blocktime"),
    Entry("blockalloc_blockrequest_changelist", "Block requests", "blockalloc.view_blockrequest"),
    Entry("blockalloc_decision_changelist", "Decisions", "blockalloc.view_decision"),
    Entry("blockalloc_computer_changelist", "Computers", "blockalloc.view_computer"),
    Entry("blockalloc_image_changelist", "Images", "blockalloc.view_image"),
    Entry("feeds", "Calendars", "blockalloc.view_blocktime"),
)
