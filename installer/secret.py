"""Secrets: how they are made, and kept out of what is shown."""

import re
import secrets

HIDDEN = "(hidden)"
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")
_ASSIGNMENT = re.compile(r"^(\s*\w*(?:SECRET|PASS|KEY|TOKEN)\w*\s*=).+$", re.MULTILINE)
_IDENTIFIED = re.compile(r"(IDENTIFIED BY ')[^']*'")


def new_password() -> str:
    """A password for a database account, of letters, digits and hyphens: it needs no encoding anywhere."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(8)) for _ in range(4))


def new_key() -> str:
    """A value for DJANGO_SECRET_KEY."""
    return secrets.token_urlsafe(50)


def masked(text: str) -> str:
    """Settings, URLs or SQL with every secret in them hidden."""
    text = _URL_PASSWORD.sub(rf"\1{HIDDEN}@", text)
    text = _IDENTIFIED.sub(rf"\1{HIDDEN}'", text)
    return _ASSIGNMENT.sub(rf"\1{HIDDEN}", text)
