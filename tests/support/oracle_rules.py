"""Rules of the specification that need no more than a few facts, for the oracle."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scheduling.facts import Computer, Image, Member, PrivilegeTree, Reservation

WEEK = 604800  # seconds


def tried_in_order(members: Sequence[Member], turn: int) -> list[Member]:
    """8.9: the member whose turn it is, then those before, then from the last one backwards."""
    if not members:
        return []
    place = turn % len(members)
    return [*reversed(members[: place + 1]), *reversed(members[place + 1 :])]


def counts(reservation: Reservation) -> bool:
    """Rule 8: whether a reservation occupies its computer."""
    return reservation.state_id not in (5, 12, 19) and (reservation.state_id, reservation.last_state_id) != (14, 19)


def is_strong_enough(computer: Computer, image: Image) -> bool:
    """Rule 3."""
    return (
        computer.platform_id == image.platform_id
        and computer.ram >= image.min_ram
        and computer.processors >= image.min_processors
        and computer.speed >= image.min_speed
        and computer.network >= image.min_network
    )


def schedule_is_open(entries: Sequence[tuple[int, int]], start: int, end: int, zone: ZoneInfo) -> bool:
    """Rule 2, week by week of the local calendar."""
    if end - start >= WEEK:
        return (0, 10080) in entries
    first, last = local_minute(start, zone), local_minute(end, zone)
    week = sunday(first)
    while week <= sunday(last):
        begins = max(0, (first - week) // timedelta(minutes=1))
        ends = min(10080, (last - week) // timedelta(minutes=1))
        # What runs into the next week needs an entry to the end of this one.
        if not any(opens <= begins and closes >= ends for opens, closes in entries):
            return False
        week += timedelta(days=7)
    return True


def local_minute(instant: int, zone: ZoneInfo) -> datetime:
    """The local time without its seconds."""
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None, second=0)


def sunday(moment: datetime) -> datetime:
    """Midnight of the Sunday that begins the week."""
    while moment.strftime("%a") != "Sun":
        moment -= timedelta(days=1)
    return moment.replace(hour=0, minute=0)


def to_the_root(tree: PrivilegeTree, node: int) -> list[int]:
    """The node and what is above it; in a broken tree as far as it goes."""
    path: list[int] = []
    while node in tree.parents and node not in path:
        path.append(node)
        node = tree.parents[node]
    return path


def has_privilege(tree: PrivilegeTree, holder: tuple[str, int], node: int) -> bool:
    """Rule 7, from the root down: what a user or group inherits, and what is set at the node itself."""
    inherits, has = False, False
    for place in reversed(to_the_root(tree, node)):
        names = tree.user_privileges.get(holder, {}).get(place, frozenset())
        set_here = "imageAdmin" in names or "imageCheckOut" in names
        inherits = inherits and "block" not in names
        has = inherits or set_here
        inherits = inherits or (set_here and "cascade" in names)
    return has


def is_available(tree: PrivilegeTree, group: int, node: int) -> bool:
    """Rule 7: whether a resource group is available at the node, set there or cascaded to it."""
    at = tree.resource_privileges.get(group, {})
    here = at.get(node, frozenset())
    above = [at.get(place, frozenset()) for place in to_the_root(tree, node)[1:]]
    cascaded = any("available" in names and "cascade" in names for names in above)
    return "available" in here or (cascaded and "block" not in here)


def may_use_group(tree: PrivilegeTree, someone: Member, group: int) -> bool:
    """Rule 7: whether a member may use the computers of a resource group, by the tree or as an owner."""
    if tree.group_owners.get(group) in someone.group_ids | someone.owned_group_ids:
        return True
    holders = [("user", someone.id)] + [("group", id_) for id_ in someone.group_ids]
    return any(
        has_privilege(tree, holder, node) and is_available(tree, group, node)
        for node in tree.parents
        for holder in holders
    )
