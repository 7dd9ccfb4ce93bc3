"""Letters as notifications make them; a keyword changes what a test is about."""

from dataclasses import replace
from typing import Any

from blockalloc.notifications.letter import Item, Letter
from scheduling.news.kinds import Kind

AT = 1764504000  # 30 November 2025, 12:00 UTC
START = AT + 7200

ITEM = Item(
    kind=Kind.SHORT,
    news_id=7,
    block_time_id=12,
    name="CS 101",
    image="Windows Lab",
    group="cs101-students",
    owner="Jane Doe",
    start=START,
    end=START + 5400,
    wanted=20,
    usable=17,
    ready=None,
    sureness=None,
    headline="CS 101 lacks 3 of 20 machines",
    why="All other computers are in use.",
    since="It has lacked them since 12:00.",
    tried="The service looked for substitutes twice.",
    advice="Ask for fewer machines, or for another hour.",
    link="https://blocks.example.edu/admin/blockalloc/blocktime/12/",
)


def item(**changes: Any) -> Item:
    """News about one class."""
    return replace(ITEM, **changes)


def letter(*items: Item, **changes: Any) -> Letter:
    """A letter with news."""
    made = Letter(
        key="0123abcd-news", kind="news", at=AT, subject="1 class lacks machines", opening="Today:", items=items
    )
    return replace(made, **changes)
