"""Local accounts of VCL for tests."""

import hashlib

from blockalloc.models import Affiliation, LocalAuth, User

SALT = "8ht2Pa55"


def give_password(user: User, password: bytes, *, lockedout: int = 0) -> LocalAuth:
    """Makes a local account as VCL does."""
    passhash = hashlib.sha1(password + SALT.encode()).hexdigest()  # noqa: S324
    return LocalAuth.objects.create(user=user, passhash=passhash, salt=SALT, lockedout=lockedout)


def make_user(name: str, affiliation: str = "Local") -> User:
    """A user, and the affiliation if need be."""
    return User.objects.create(
        unityid=name, affiliation=Affiliation.objects.get_or_create(name=affiliation, dataUpdateText="")[0], email=""
    )
