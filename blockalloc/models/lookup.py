"""Images and user groups by the names that people use for them, or by id.

Names are compared here and not by the database: the two kinds of database don't agree about upper and lower case,
and near misses need all the names anyway.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from blockalloc.models import Image, UserGroup
from blockalloc.models.naming import with_affiliation

_MOST_NEAR = 3
_Row = TypeVar("_Row", Image, UserGroup)


class LookupProblem(Exception):
    """Nothing has that name, or several rows do. The text says what would be right."""


@dataclass(frozen=True, slots=True)
class _Named(Generic[_Row]):
    """A row and its names; it is listed by the first."""

    row: _Row
    names: tuple[str, ...]

    def has_name(self, name: str) -> bool:
        return name.casefold() in [own.casefold() for own in self.names]

    def __str__(self) -> str:
        return f"{self.row.id} ({', '.join(self.names)})"


def image_by_name_or_id(text: str) -> Image:
    """The image with this name, file name or id, in that order; deleted ones don't count. Raises LookupProblem."""
    return image_among(Image.objects.filter(deleted=0).only("id", "name", "prettyname"), text)


def image_among(images: Iterable[Image], text: str) -> Image:
    """The same of these images. Raises LookupProblem."""
    return _only_one("image", text, [_Named(image, (image.prettyname, image.name)) for image in images])


def user_group_by_name_or_id(text: str) -> UserGroup:
    """The user group `name@affiliation`; the affiliation can be left out when one group has the name. Or its id.

    Raises LookupProblem.
    """
    return user_group_among(
        UserGroup.objects.select_related("affiliation").only("id", "name", "affiliation__name"), text
    )


def user_group_among(groups: Iterable[UserGroup], text: str) -> UserGroup:
    """The same of these groups, whose affiliations are fetched. Raises LookupProblem."""
    named = [_Named(group, (with_affiliation(group, group.name), group.name)) for group in groups]
    return _only_one("user group", text, named)


def _only_one(kind: str, text: str, rows: Sequence[_Named[_Row]]) -> _Row:
    wanted = text.strip()
    matches = [row for row in rows if row.has_name(wanted)]
    matches = matches or [row for row in rows if str(row.row.id) == wanted]
    if len(matches) == 1:
        return matches[0].row
    if matches:
        raise LookupProblem(f"there are {len(matches)} {kind}s {wanted!r}: give the id of one: {_listed(matches)}")
    raise LookupProblem(f"there is no {kind} {wanted!r}{_did_you_mean(wanted, rows)}")


def _did_you_mean(wanted: str, rows: Sequence[_Named[_Row]]) -> str:
    by_name = {name.casefold(): row for row in rows for name in row.names}
    near = [by_name[name] for name in _near(wanted.casefold(), by_name)]
    # Several names of one row may be near.
    return f"; did you mean {_listed(list(dict.fromkeys(near)))}?" if near else ""


def _near(wanted: str, names: Iterable[str]) -> list[str]:
    """The names that are nearly the same; if none is, those with such a word: `ubunto` is near `ubuntu 22.04`."""
    names = list(names)
    with_word = (name for name in names if difflib.get_close_matches(wanted, name.split()))
    return difflib.get_close_matches(wanted, names) or list(islice(with_word, _MOST_NEAR))


def _listed(rows: Sequence[_Named[_Row]]) -> str:
    return ", ".join(map(str, rows))
