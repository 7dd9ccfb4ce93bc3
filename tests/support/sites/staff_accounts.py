"""Staff who sign in by accounts of VCL, and a site with blocks of two affiliations."""

from dataclasses import dataclass, field
from datetime import datetime

from django.test import Client
from django.urls import reverse

from blockalloc.accounts.vcl_accounts import MANAGES_ALL_BLOCKS, MANAGES_BLOCKS_OF_AFFILIATION
from blockalloc.models import (
    BlockTime,
    Computer,
    Image,
    Request,
    User,
    UserGroup,
    UserGroupMember,
    UserGroupPriv,
    UserGroupPrivType,
)
from tests.support.sites.accounts import give_password, make_user
from tests.support.sites.staff_site import ADMIN, HOUR, MONDAY, Site

GLOBAL, OWN = MANAGES_ALL_BLOCKS, MANAGES_BLOCKS_OF_AFFILIATION
PASSWORD = "p4ss"
STRANGE = "strangers"  # in the name of everything of the other affiliation; too long to be part of a random token


def grant(user: User, right: str) -> UserGroup:
    """Let the user be in a group that has the right."""
    name = f"managers {UserGroup.objects.count()}"
    group = UserGroup.objects.create(name=name, affiliation_id=1, owner_id=ADMIN)
    UserGroupMember(user=user, usergroup=group).save(force_insert=True)
    priv = UserGroupPriv(usergroup=group, userprivtype=UserGroupPrivType.objects.get(name=right))
    priv.save(force_insert=True)
    return group


def manager(name: str = "jdoe", affiliation: str = "NCSU", *rights: str, password: str = PASSWORD) -> User:
    """A user of VCL with a local account and these rights."""
    user = make_user(name, affiliation)
    give_password(user, password.encode())
    for right in rights:
        grant(user, right)
    return user


def sign_in(client: Client, name: str, password: str = PASSWORD, peer: str = "198.51.100.1") -> bool:
    """Fill in the form; whether it lets in."""
    response = client.post(reverse("admin:login"), {"username": name, "password": password}, REMOTE_ADDR=peer)
    if response.status_code == 302:
        return True
    assert response.status_code == 200
    (said,) = response.context["form"].non_field_errors()
    assert str(said).startswith("Please enter the correct username and password for a staff account."), said
    return False


@dataclass
class TwoAffiliations:
    """Blocks of NCSU and of another affiliation, which share computers and an image."""

    site: Site
    own: list[BlockTime] = field(default_factory=list)
    others: list[BlockTime] = field(default_factory=list)
    reloads: dict[bool, list[Request]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        site = self.site
        self.shared = [
            site.computer(f"shared{number}", site.windows, notes=f"{STRANGE}-admin@{STRANGE}: broken fan")
            for number in range(2)
        ]
        self.owner = make_user("odette", "NCSU")
        self.stranger = make_user(f"{STRANGE}-owner", f"{STRANGE}-university")
        Image.objects.filter(pk=site.windows.pk).update(owner=self.stranger)
        Image.objects.filter(pk=site.ubuntu.pk).update(owner=self.owner)
        self.own = self._blocks("home", self.owner, MONDAY)
        # Before ours: they are the computers' next ones.
        self.others = self._blocks(STRANGE, self.stranger, MONDAY - 24 * HOUR)
        site.reserve(
            site.ubuntu, MONDAY, MONDAY + HOUR, *self.shared, state_id=13, laststate_id=13, user_id=self.stranger.pk
        )

    def _blocks(self, name: str, owner: User, start: datetime) -> list[BlockTime]:
        site = self.site
        group = UserGroup.objects.create(name=f"{name}-group", affiliation=owner.affiliation, owner=owner)
        image = site.ubuntu
        times = []
        for number in range(2):
            request = site.request(
                f"{name}-block{number}", image, group, 2, owner_id=owner.pk, comments=f"for {name}-teacher"
            )
            times.append(site.time(request, start + number * 4 * HOUR, processed=1))
            self.reloads.setdefault(name == STRANGE, []).append(site.hold(times[-1], *self.shared))
        return times

    def computers(self) -> list[Computer]:
        """Those that both have."""
        return self.shared
