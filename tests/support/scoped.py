"""Staff who see the blocks of one affiliation only, in tests that sign in by Django's accounts."""

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser

from blockalloc.models.scope import Scope, limit


def limit_to(affiliation_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the next request on, let everybody who is signed in see the blocks of this affiliation alone."""
    get_user = ModelBackend.get_user

    def limited(backend: ModelBackend, user_id: int) -> AbstractBaseUser | None:
        user = get_user(backend, user_id)
        if user is not None:
            limit(user, Scope(affiliation_id))
        return user

    monkeypatch.setattr(ModelBackend, "get_user", limited)
