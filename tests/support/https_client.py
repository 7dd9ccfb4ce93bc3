"""Django's test client over HTTPS."""

from typing import Any

from django.test import Client


class Browser(Client):
    """Django's test client over HTTPS, which a real site sends people to."""

    def request(self, **request: Any) -> Any:
        """Every request of the client goes through here."""
        return super().request(**request | {"wsgi.url_scheme": "https"})
