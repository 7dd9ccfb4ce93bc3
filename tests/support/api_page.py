"""docs/api.md as a program reads it: its examples, the clients that they use, and the codes that it names."""

import re
from dataclasses import dataclass
from functools import cache

from tests.support.servers.own_process import ROOT

PAGE = ROOT / "docs" / "api.md"
LANGUAGES = ("Python", "Perl", "curl")
ADDRESS = "https://blocks.example.edu"

_FOLDED = re.compile(
    r"<details><summary>(\w+)(?:: <code>([\w.]+)</code>)?.*?</summary>\n\n```\w+\n(.*?)```\n"
    r"(?:\n```text\n(.*?)```\n)?\n</details>",
    re.DOTALL,
)
# What differs from day to day: how sure it is, times, ids of new rows, and which computers are chosen.
_CHANGING = re.compile(
    r"\b(ready|late|minutes|reloadstart|reloadend|blockTimesid|left|lost)(['\"]?: ?\"?|</name>\n<value><\w+>)[\d.]+"
)
_COMPUTER = re.compile(r"\b[\w-]+\.example\.edu\b")


@dataclass(frozen=True)
class Example:
    """An example of the page, and what it prints by the page."""

    section: str
    language: str
    code: str
    answer: str


@cache
def sections() -> dict[str, str]:
    """The text below each heading, up to the next heading of any level."""
    text = re.sub(r"^```.*?^```", lambda fence: fence[0].replace("\n#", "\n\0"), PAGE.read_text(), flags=re.M | re.S)
    parts = re.split(r"^#+ (.*)\n", text, flags=re.MULTILINE)
    return {heading: body.replace("\0", "#") for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def examples() -> list[Example]:
    """The examples, in the order of the page."""
    return [
        Example(heading, language, code, answer)
        for heading, body in sections().items()
        for language, file, code, answer in _FOLDED.findall(body)
        if not file
    ]


def client_files() -> dict[str, str]:
    """The clients that the examples use: name of the file and contents."""
    return {file: code for body in sections().values() for _, file, code, _ in _FOLDED.findall(body) if file}


def comparable(answer: str) -> str:
    """An answer without what differs from day to day."""
    return _COMPUTER.sub("…", _CHANGING.sub(r"\1\2…", answer))


def codes_of_all() -> dict[int, list[str]]:
    """The table of all codes: for each code the last cells of its rows, whether to call again."""
    again: dict[int, list[str]] = {}
    for code, last in re.findall(r"^\| (-?\d+) \|.*\| ([^|]*) \|$", sections()["All codes"], re.MULTILINE):
        again.setdefault(int(code), []).append(last)
    return again


def codes_of_a_method(heading: str) -> set[int]:
    """The codes that the section of a method names as its own."""
    return _codes(heading, "Codes of its own")


def codes_of_every_call() -> set[int]:
    """The codes that a call of any method can get."""
    return _codes("Errors", "Codes that every call can get")


def _codes(heading: str, label: str) -> set[int]:
    (listed,) = re.findall(rf"^\*\*{label}\*\*(.*?)(?:\.$|\. |\n\n)", sections()[heading], re.MULTILINE | re.DOTALL)
    return {int(code) for code in re.findall(r"-?\d+", listed)}
