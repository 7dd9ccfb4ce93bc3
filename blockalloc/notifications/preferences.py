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


# Kinds that a choice made before 0.4.0 does not know: whoever has not chosen anew gets them with these.
_WITH = {Kind.FORESEEN: Kind.SHORT, Kind.FORESEEN_OVER: Kind.MENDED}
_NOT = "-"  # before such a kind that somebody has chosen not to get

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
        "kinds": ",".join(_words(choice.kinds)),
        "only_own": choice.only_own,
        "summary": choice.summary,
        "changed": datetime.fromtimestamp(now, UTC),
    }
    Preference.objects.update_or_create(key=key, defaults=values)


def _words(kinds: Collection[Kind]) -> Iterable[str]:
    return (kind.value if kind in kinds else f"{_NOT}{kind.value}" for kind in Kind if kind in kinds or kind in _WITH)


def _kinds(text: str) -> frozenset[Kind]:
    """The kinds in a row; words of another version of the service are none."""
    words = frozenset(text.split(","))
    named = {kind for kind in Kind if kind.value in words}
    unknown = {kind for kind in _WITH if kind not in named and f"{_NOT}{kind.value}" not in words}
    return frozenset(named | {kind for kind in unknown if _WITH[kind] in named})
