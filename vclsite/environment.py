"""Settings from the environment: one small reader for each kind of value."""

import ipaddress
import os

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str) -> str:
    """The value of environment variable `name`, without surrounding white space; `default` when unset."""
    return os.environ.get(name, default).strip()


def flag(name: str, *, default: bool) -> bool:
    """A yes/no variable. Raises ImproperlyConfigured when it is neither."""
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r}: use 1 or 0 (also yes/no, true/false, on/off)")


def whole_number(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number between `low` and `high`. Raises ImproperlyConfigured otherwise."""
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        number = int(value)
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise ImproperlyConfigured(f"{name}={value!r}: use a whole number from {low} to {high}")
    return number


def words(name: str, default: str) -> list[str]:
    """A list separated by commas; empty entries are dropped."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def networks(name: str) -> list[str]:
    """Addresses and networks (10.1.2.3, 10.1.2.0/24) separated by commas. Raises ImproperlyConfigured for others."""
    found = words(name, "")
    for word in found:
        try:
            ipaddress.ip_network(word)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {word!r}: use addresses such as 10.1.2.3 or 10.1.2.0/24") from error
    return found
