"""What a command says of a database that refuses it, where Django would show a traceback."""

from django.db import DatabaseError

# Numbers of MariaDB's server (from 1000) and of its client (from 2000).
_NO_ANSWER = {1040, 1044, 1045, 1049, 1129, 1130, 1203, 1226, 1698, *range(2002, 2014), 2026}
_NO_RIGHT = {1142, 1143, 1227, 1370}
_NO_TABLE = {1146}


def description(error: DatabaseError) -> str:
    """What is wrong with the database and what to do about it; "" when `error` may be a fault of the program."""
    reason = _reason(error)
    code, text = reason.args[0] if reason.args else None, str(reason)
    if code in _NO_ANSWER or text.startswith("unable to open database file"):
        return f"the database does not answer: {text}; manage.py check_settings tells which one it is"
    if code in _NO_RIGHT:
        return f"the database account lacks a right: {text}; docs/installation.md has the GRANT"
    if code in _NO_TABLE or text.startswith("no such table"):
        return f"the database lacks a table: {text}; run manage.py migrate"
    return ""


def _reason(error: DatabaseError) -> BaseException:
    """The error with the server's number: Django's own, of a table of migrations that it can't make, has it behind."""
    has_number = bool(error.args) and isinstance(error.args[0], int)
    return error if has_number else error.__context__ or error
