"""What people have chosen to be told, and what they are told as long as they have chosen nothing."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from blockalloc.models import Preference
from scheduling.news.kinds import Kind


class Choice(NamedTuple):
    """The kinds of news; of one's own classes only; and the daily summary (see models.Preference)."""

    kinds: frozenset[Kind]
    only_own: bool = False
    summary: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether nothing at all is sent."""
        return not self.kinds and not self.summary


NOTHING = Choice(frozenset())
# For those who have chosen nothing: owners and staff, and the addresses of the settings (VCL_SITE_MAIL).
OF_PEOPLE = Choice(frozenset(Kind))
OF_SITE = Choice(frozenset(Kind), summary=True)


def default_of(key: str) -> Choice:
    """What the recipient with this key is told without having chosen."""
    return OF_SITE if key.startswith("mail:") else OF_PEOPLE


def chosen(keys: Collection[str]) -> dict[str, Choice]:
    """What these recipients have chosen; those who have chosen nothing are left out. One statement."""
    rows = Preference.objects.filter(key__in=keys).values_list("key", "kinds", "only_own", "summary")
    return {key: Choice(_kinds(kinds), only_own, summary) for key, kinds, only_own, summary in rows}


def choice_of(key: str) -> Choice:
    """What the recipient with this key is told, chosen or by default. One statement."""
    return chosen([key]).get(key, default_of(key))


def has_ended(key: str) -> bool:
    """Whether the recipient with this key has chosen that nothing is sent. One statement."""
    return chosen([key]).get(key, OF_PEOPLE).is_nothing


def choose(key: str, choice: Choice, now: int) -> None:
    """Note what a recipient has chosen at `now` (Unix seconds)."""
    values = {
        "kinds": ",".join(kind.value for kind in Kind if kind in choice.kinds),
        "only_own": choice.only_own,
        "summary": choice.summary,
        "changed": datetime.fromtimestamp(now, UTC),
    }
    Preference.objects.update_or_create(key=key, defaults=values)


def _kinds(text: str) -> frozenset[Kind]:
    """The kinds in a row; words of another version of the service are none."""
    return frozenset(_known(text.split(",")))


def _known(words: Iterable[str]) -> Iterable[Kind]:
    return (kind for kind in Kind if kind.value in words)
