"""Users of VCL with local accounts and rights, and how they sign in to the staff's pages."""

import hashlib

from django.test import Client
from django.urls import reverse

from blockalloc.accounts.vcl_accounts import MANAGES_ALL_BLOCKS, MANAGES_BLOCKS_OF_AFFILIATION
from blockalloc.models import Affiliation, LocalAuth, User, UserGroup, UserGroupMember, UserGroupPriv, UserGroupPrivType

SALT = "8ht2Pa55"
GLOBAL, OWN = MANAGES_ALL_BLOCKS, MANAGES_BLOCKS_OF_AFFILIATION
PASSWORD = "p4ss"


def give_password(user: User, password: bytes, *, lockedout: int = 0) -> LocalAuth:
    """Makes a local account as VCL does."""
    passhash = hashlib.sha1(password + SALT.encode()).hexdigest()  # noqa: S324
    return LocalAuth.objects.create(user=user, passhash=passhash, salt=SALT, lockedout=lockedout)


def make_user(name: str, affiliation: str = "Local") -> User:
    """A user, and the affiliation if need be."""
    return User.objects.create(
        unityid=name, affiliation=Affiliation.objects.get_or_create(name=affiliation, dataUpdateText="")[0], email=""
    )


def grant(user: User, right: str) -> UserGroup:
    """Let the user be in a group that has the right."""
    name = f"managers {UserGroup.objects.count()}"
    group = UserGroup.objects.create(name=name, affiliation_id=1, owner_id=1)
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
    """Sign in by the form; whether that worked."""
    response = client.post(reverse("admin:login"), {"username": name, "password": password}, REMOTE_ADDR=peer)
    if response.status_code == 302:
        return True
    assert response.status_code == 200
    (message,) = response.context["form"].non_field_errors()
    assert str(message).startswith("Please enter the correct username and password for a staff account."), message
    return False
