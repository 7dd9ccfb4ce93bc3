"""Users, their passwords and their groups."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from blockalloc.demo.rows import LOCAL, VCLSYSTEM, Rows

PASSWORD = "demo-pass"  # noqa: S105 - of vclsystem@Local, the back end's account, and of one of the lab's staff
_SALT = "d3mo5a1t"
_MANAGE_BLOCKS = 2  # VCL's row of `usergroupprivtype`: block allocations of all affiliations

_FIRST_NAMES = (
    "Aisha Ben Carla Daniel Elena Farid Grace Hiro Ines Jamal Katrin Liam Maya Noah Olga Priya Quentin Rosa Sven Tara "
    "Umar Vera Walter Xenia Yusuf Zoe Anton Beatriz Chen Deepa Emil Fatima Goran Hanna Ivan Joana"
)
_LAST_NAMES = (
    "Abbott Bauer Castillo Dubois Eriksen Fischer Garcia Haddad Ibrahim Jansen Kowalski Lindqvist Moreau Nakamura "
    "Okafor Petrov Quinn Rossi Schmidt Tanaka Urbina Vasquez Weber Xu Yamada Zhang Adeyemi Brandt Costa Diaz Engel "
    "Ferrari Gupta Hughes Ito Johansson"
)

# Group and number of members; the first is the one that the README's example uses.
CS101, CS420, ENG240, LIBRARY, STAFF = "CS101", "CS420", "ENG240", "Library workshops", "Lab staff"
_MEMBERS = {CS101: 30, CS420: 12, ENG240: 18, LIBRARY: 14, STAFF: 6}


@dataclass(frozen=True)
class People:
    """Ids of the groups by name, of their members, and of the teacher who owns each group."""

    groups: dict[str, int]
    members: dict[str, list[int]]
    teachers: dict[str, int]


def add_people(rows: Rows, now: datetime) -> People:
    """Add the users and the five groups, and passwords of vclsystem@Local and of one of the lab's staff.

    The lab's staff may manage block allocations.
    """
    names = _names()
    people = People({}, {}, {})
    for group in _MEMBERS:
        people.teachers[group] = _user(rows, next(names), now)
    for group in _MEMBERS:
        people.groups[group] = rows.add(
            "usergroup",
            name=group,
            affiliationid=LOCAL,
            ownerid=people.teachers[group],
            custom=1,
            courseroll=int(group[-1].isdigit()),
        )
    for group, size in _MEMBERS.items():
        people.members[group] = [_user(rows, next(names), now) for _ in range(size)]
        for member in people.members[group]:
            rows.link("usergroupmembers", userid=member, usergroupid=people.groups[group])
    for number in people.groups.values():
        rows.row("usergroup", number)["editusergroupid"] = people.groups[STAFF]
    _password(rows, VCLSYSTEM, now)
    _password(rows, people.members[STAFF][0], now)
    rows.link("usergrouppriv", usergroupid=people.groups[STAFF], userprivtypeid=_MANAGE_BLOCKS)
    return people


def _password(rows: Rows, user: int, now: datetime) -> None:
    rows.link(
        "localauth",
        userid=user,
        passhash=hashlib.sha1((PASSWORD + _SALT).encode()).hexdigest(),  # noqa: S324 - VCL's own format
        salt=_SALT,
        lastupdated=now - timedelta(days=40),
    )


def _names() -> Iterator[tuple[str, str]]:
    """First and last names, no two people with the same pair."""
    pairs = [(first, last) for first in _FIRST_NAMES.split() for last in _LAST_NAMES.split()]
    Random("people").shuffle(pairs)
    return iter(pairs)


def _user(rows: Rows, name: tuple[str, str], now: datetime) -> int:
    first, last = name
    taken = {user["unityid"] for user in rows.tables.get("user", [])}
    unity_id = next(u for n in range(1, 100) if (u := _unity_id(first, last, n)) not in taken)
    return rows.add(
        "user",
        unityid=unity_id,
        affiliationid=LOCAL,
        firstname=first,
        lastname=last,
        email=f"{unity_id}@example.edu",
        emailnotices=1,
        lastupdated=now - timedelta(days=30),
    )


def _unity_id(first: str, last: str, number: int) -> str:
    return (first[0] + last).lower() + (str(number) if number > 1 else "")
