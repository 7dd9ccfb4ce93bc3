"""Messages of commands about a database that refuses them, where Django would show a traceback."""

from django.db import DatabaseError

# Numbers of MariaDB's server (from 1000) and of its client (from 2000).
_NO_ANSWER = {1040, 1045, 1049, 1129, 1130, 1203, 1226, 1698, *range(2002, 2014), 2026}
_NO_RIGHT = {1044, 1142, 1143, 1227, 1370}
_NO_TABLE = {1146}
_PURPOSES = {"migrate": "migrating", "drop_own_tables": "going-back"}  # of commands with an account of their own


def description(error: DatabaseError, command: str = "") -> str:
    """What is wrong with the database and what to do about it; "" when `error` may be a bug in the program.

    `command` is the one that met the error: it decides which rights its account needs.
    """
    reason = _reason(error)
    code, text = reason.args[0] if reason.args else None, str(reason)
    if code in _NO_ANSWER or text.startswith("unable to open database file"):
        return f"the database does not answer: {text}; manage.py check_settings shows which one it is"
    if code in _NO_RIGHT:
        return f"the database account lacks a right: {text}; manage.py print_grants {_purpose(text, command)} prints it"
    if code in _NO_TABLE or text.startswith("no such table"):
        return f"the database lacks a table: {text}; run manage.py migrate"
    return ""


def _purpose(text: str, command: str) -> str:
    """The purpose, as `print_grants` names it, of which the account lacks a right."""
    if command in _PURPOSES:
        return "going-back" if "DROP command" in text else _PURPOSES[command]
    return "indexing" if "INDEX command" in text else "running"


def _reason(error: DatabaseError) -> BaseException:
    """The error with the server's number. Django's own, for a table of migrations that it can't create, wraps it."""
    has_number = bool(error.args) and isinstance(error.args[0], int)
    return error if has_number else error.__context__ or error
