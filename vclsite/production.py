"""How the demo site and a real one are distinguished, and the settings that are unsafe on a real one."""

import ipaddress
from collections.abc import Sequence

from django.core.checks.security import base as django_checks

DEMO_SECRET_KEY = "only-for-the-demo-site-set-DJANGO_SECRET_KEY-for-your-own"  # noqa: S105 - it is no secret

NEW_SECRET_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105 - how to make one


def is_demo_site(engine: str, hosts: Sequence[str]) -> bool:
    """Whether this can only be the demo site: its database is a file, and all its host names are loopback names."""
    return engine == "django.db.backends.sqlite3" and all(map(is_loopback, hosts))


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine's name or address for itself only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def unsafe_settings(*, secret_key: str, debug: bool, plain_http: bool) -> str:
    """All settings that a real site must not have, and what to do about each; "" when there are none."""
    problems = []
    if _is_weak(secret_key):
        known = "it is the demo site's" if secret_key == DEMO_SECRET_KEY else "it is too short or too simple"
        problems.append(f"DJANGO_SECRET_KEY: {known}, set one that nobody else has: {NEW_SECRET_KEY}")
    if debug:
        problems.append("DJANGO_DEBUG=1: error pages would show source code and settings to anybody, unset it")
    if plain_http:
        problems.append(
            "VCL_ALLOW_PLAIN_HTTP=1: names and passwords would travel in the clear, unset it and put a server that "
            "ends TLS in front (deploy/nginx.conf, VCL_TRUSTED_PROXIES)"
        )
    if not problems:
        return ""
    return (
        "not safe on a site with a database server or a public name. "
        + "; ".join(problems)
        + " (for tests only: VCL_ALLOW_UNSAFE_SETTINGS=1 starts all the same)"
    )


def _is_weak(key: str) -> bool:
    """Whether the key is the demo's, or one that Django's own check (security.W009) calls weak."""
    return (
        key == DEMO_SECRET_KEY
        or len(key) < django_checks.SECRET_KEY_MIN_LENGTH
        or len(set(key)) < django_checks.SECRET_KEY_MIN_UNIQUE_CHARACTERS
        or key.startswith(django_checks.SECRET_KEY_INSECURE_PREFIX)
    )
