"""Sessions of staff, kept in the database (settings.SESSION_ENGINE).

A session names the sign-in backend by its dotted path. A session from an earlier version has the earlier path: without
this, an upgrade would sign its owner out.
"""

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

_FORMER_PATHS = {"blockalloc.staff_accounts.VclAccountBackend": "blockalloc.accounts.staff_accounts.VclAccountBackend"}


class SessionStore(DatabaseSessionStore):
    """Django's sessions in the database, with the backend under its present path."""

    def load(self) -> dict[str, Any]:
        """The session's data."""
        data = super().load()
        if data.get(BACKEND_SESSION_KEY) in _FORMER_PATHS:
            data[BACKEND_SESSION_KEY] = _FORMER_PATHS[data[BACKEND_SESSION_KEY]]
        return data
