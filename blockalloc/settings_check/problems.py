"""The problems that checks of the settings report."""

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad it is: the highest of all is the exit status of the command."""

    DOUBTFUL = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong or doubtful. `name` is the setting that it is about, "" when it is about none.

    `text` says what is wrong and what would be right, and contains no secret.
    """

    severity: Severity
    name: str
    text: str


def error(name: str, text: str) -> Problem:
    """A problem that stops the service, or that makes its answers wrong."""
    return Problem(Severity.ERROR, name, text)


def doubtful(name: str, text: str) -> Problem:
    """Something that is probably a mistake, but may be intended."""
    return Problem(Severity.DOUBTFUL, name, text)
