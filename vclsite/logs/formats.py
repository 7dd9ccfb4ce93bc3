"""The two formats of log lines: text for people, JSON for programs; and the priorities that journald reads.

Whatever is in a message, a record is one line (in text, with the lines of its traceback indented below it), so nobody
can forge a line of the log. What a record says in addition to its message is in `extra={"fields": {…}}`: text leaves it
out, JSON has each as a member. Nothing else that hangs on a record (Django's `request`) is ever written.
"""

import json
import logging
import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import IO

from vclsite.logs import request_id

# What ends a line, steers a terminal, or is half a character and can't be written.
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROLS_IN_TRACEBACKS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_ESCAPED_BY_JSON = re.compile("[\x7f-\x9f\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")

# journald cuts lines after 48 KiB, and half an object can't be read. Most characters need one byte or two, some six.
_LONGEST_LINE = 48 * 1024 - len("<6>")  # bytes
_LONGEST_MESSAGE, _LONGEST_EXCEPTION = 8_000, 14_000  # characters
_SHORT_MESSAGE, _SHORT_EXCEPTION = 2_000, 5_000  # in a line that would be too long

_INDENT = "    "


class TextLines(logging.Formatter):
    """`2026-11-29 13:00:00,123 WARNING blockalloc.x: [id] message`, the traceback indented below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines."""
        id_ = _id_of(record)
        about = f"[{id_}] " if id_ else ""
        message = _CONTROLS.sub(_escaped, record.getMessage())
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {about}{message}"
        if trace := _trace(self, record):
            trace = _CONTROLS_IN_TRACEBACKS.sub(_escaped, trace)
            line += "".join(f"\n{_INDENT}{part}" for part in trace.split("\n"))
        return line


class JsonLines(logging.Formatter):
    """One object: time, level, logger, message, then request_id, fields and exception where there are any.

    When that is longer than journald takes, the fields are left out, and `left_out` has their names.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, without control characters."""
        fields, trace = _fields(record), _trace(self, record)
        whole = _json({**self._head(record, _LONGEST_MESSAGE), **fields, **_exception(trace, _LONGEST_EXCEPTION)})
        if len(whole.encode()) <= _LONGEST_LINE:
            return whole
        return _json(
            {**self._head(record, _SHORT_MESSAGE), "left_out": [*fields], **_exception(trace, _SHORT_EXCEPTION)}
        )

    @staticmethod
    def _head(record: logging.LogRecord, longest: int) -> dict[str, object]:
        """The members that every line has, and the id."""
        id_ = _id_of(record)
        return {
            "time": datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _cut(record.getMessage(), longest),
            **({"request_id": id_} if id_ else {}),
        }


class Lines(logging.StreamHandler[IO[str]]):
    """Writes records to a stream: each line with its priority, `<6>`, when the stream is journald's (sd-daemon(3)).

    journald takes it off again, so that `journalctl -p warning` selects lines of either format.
    """

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(stream)
        self._to_journal = _is_journal(stream)

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines, with priorities if needed."""
        text = super().format(record)
        if not self._to_journal:
            return text
        priority = f"<{_priority(record.levelno)}>"
        return priority + text.replace("\n", f"\n{priority}")


class NotElsewhere(logging.Filter):
    """Passes what libraries say; the service and Django have handlers of their own."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is a library's."""
        return record.name.partition(".")[0] not in ("blockalloc", "django")


def _id_of(record: logging.LogRecord) -> str:
    """The record's own id, which access lines have, or that of what this thread works for."""
    id_: str = getattr(record, "request_id", "")
    return id_ or request_id.current()


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    return fields


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback and the stack that belong to a record; "" without."""
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(formatter.formatException(record.exc_info))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts)


def _exception(trace: str, longest: int) -> dict[str, str]:
    return {"exception": _cut(trace, longest)} if trace else {}


def _json(line: Mapping[str, object]) -> str:
    text = _SURROGATES.sub("\ufffd", json.dumps(line, ensure_ascii=False, default=str))
    return _NOT_ESCAPED_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escaped(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]


def _cut(text: str, most: int) -> str:
    """`text`, without its middle when it is too long: a traceback says what happened at its end."""
    if len(text) <= most:
        return text
    begin = most // 3
    return f"{text[:begin]} … {len(text) - most} characters left out … {text[begin - most :]}"


def _priority(level: int) -> int:
    """The priority of syslog(3) for a level of logging."""
    if level >= logging.CRITICAL:
        return 2
    if level >= logging.ERROR:
        return 3
    if level >= logging.WARNING:
        return 4
    return 6 if level >= logging.INFO else 7


def _is_journal(stream: IO[str]) -> bool:
    """Whether the stream is the one that systemd has connected with journald (JOURNAL_STREAM: device:inode)."""
    try:
        at = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):  # no file: a test's buffer, a closed stream
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{at.st_dev}:{at.st_ino}"
