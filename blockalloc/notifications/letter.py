"""What a message says, before it is written out for a channel."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scheduling.news.kinds import Kind


@dataclass(frozen=True, slots=True)
class Item:
    """What a letter says of one class: its latest news, and in one sentence each those before it in the same letter.

    Times are Unix seconds. Texts are plain, for people, "" where there is nothing to say: `headline` (what), `why`,
    `since`, `tried`, `advice` (what to do). `link` is the address of the class's page, `week` that of the class's
    week, for news of the forecast; "" when that is not known. `usable` are the machines that it has and that have not
    failed; of the forecast, those that it will have.
    """

    kind: Kind
    news_id: int
    block_time_id: int
    name: str
    image: str
    group: str
    owner: str
    start: int
    end: int
    wanted: int
    usable: int
    ready: int | None
    sureness: float | None
    headline: str
    why: str = ""
    since: str = ""
    tried: str = ""
    advice: str = ""
    link: str = ""
    week: str = ""
    earlier: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a daily summary: a title and its lines, each with the address of a page ("" for none)."""

    title: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one recipient. `at`: when it was made (Unix seconds). `kind` is one of models.Message.

    `reason` says why the recipient gets it; `preferences` and `unsubscribe` are addresses, "" where there are none.
    """

    key: str
    kind: str
    at: int
    subject: str
    opening: str
    items: Sequence[Item] = ()
    sections: Sequence[Section] = field(default=())
    reason: str = ""
    preferences: str = ""
    unsubscribe: str = ""
