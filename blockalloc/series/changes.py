"""The site as it would be after something has been done about it: what would help beside another date."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from blockalloc.series.bookings import fit
from scheduling.facts import Computer as _Computer
from scheduling.facts import Fleet, Image, Site
from scheduling.shared import Shared

_OUT_OF_SERVICE = frozenset({"maintenance", "failed"})
_AVAILABLE = "available"
_TRIAL = -1  # a resource group that no site has
MOST_GROUPS = 3  # of computers that the image is not mapped to


class Mapping(NamedTuple):
    """A group of computers to which the image is not mapped, and how many of them could run it."""

    group_id: int
    computers: int


def out_of_service(site: Site, images: Sequence[Image], now_fit: frozenset[int]) -> frozenset[int]:
    """The computers in maintenance or failed that could run the images, were they in service."""
    states = site.computers.columns("id", "state")
    idle = [id_ for id_, state in states if state in _OUT_OF_SERVICE]
    return fit(Shared(back_in_service(site, idle)), images) - now_fit if idle else frozenset()


def back_in_service(site: Site, computers: Collection[int]) -> Site:
    """The site with these computers in service."""
    wanted = frozenset(computers)
    fields = _Computer._fields
    columns = [site.computers.column(field) for field in fields]
    ids, at = columns[fields.index("id")], fields.index("state")
    columns[at] = [_AVAILABLE if id_ in wanted else state for id_, state in zip(ids, columns[at], strict=True)]
    return replace(site, computers=Fleet(columns))


def unmapped(site: Site, images: Sequence[Image], now_fit: frozenset[int]) -> list[Mapping]:
    """Groups of computers that the image could be mapped to, the one that brings the most first."""
    further = fit(Shared(mapped_to(site, images, site.group_computers)), images) - now_fit
    found, seen = [], set()
    for group_id, computers in sorted(site.group_computers.items(), key=lambda item: (len(item[1]), item[0])):
        useful = computers & further
        if useful and useful not in seen:  # of groups that bring the same, the smallest
            seen.add(useful)
            found.append(Mapping(group_id, len(useful)))
    return sorted(found, key=lambda each: (-each.computers, each.group_id))[:MOST_GROUPS]


def mapped_to(site: Site, images: Sequence[Image], groups: Collection[int]) -> Site:
    """The site with the images mapped to these groups of computers besides."""
    none: frozenset[int] = frozenset()
    image_groups = {image.id: site.image_groups.get(image.id, none) | {_TRIAL} for image in images}
    mapped = {**site.mapped_groups, _TRIAL: list(groups)}
    return replace(site, image_groups={**site.image_groups, **image_groups}, mapped_groups=mapped)
