"""How tests read the page "This week": its classes, and the strip of capacity."""

import html
import re
from typing import NamedTuple

from django.test import Client


class Shown(NamedTuple):
    """A class as its block says it; `more` is what its fold says."""

    name: str
    kinds: tuple[str, ...]
    hours: str
    number: str
    signal: str
    short: str
    more: str
    markup: str


def blocks_of_week(client: Client, url: str) -> list[Shown]:
    """The classes of the page, in its order."""
    page = client.get(url).content.decode()
    return [_shown(*found) for found in re.findall(r'<li class="block ([^"]*)"[^>]*>(.*?)</li>', page, re.DOTALL)]


def capacity_of_week(client: Client, url: str) -> dict[str, list[str]]:
    """The rows of the strip, by image: a text for each day."""
    table = re.search(r'<section class="card capacity".*?</table>', client.get(url).content.decode(), re.DOTALL)
    rows = (
        re.findall(r'<tr role="row"><th scope="row" role="rowheader">(.*?)</tr>', table[0], re.DOTALL) if table else []
    )
    return {_words(row.partition("</th>")[0]): [_words(cell) for cell in row.split("<td")[1:]] for row in rows}


def _shown(kinds: str, markup: str) -> Shown:
    def part(name: str) -> str:
        found = re.search(rf'<(\w+) class="{name}"[^>]*>(.*?)</\1>', markup, re.DOTALL)
        return _words(found[2]) if found else ""

    signal = re.search(r'<span class="signal [^>]*>(.*?)</span>', markup, re.DOTALL)
    return Shown(
        name=part("name"),
        kinds=tuple(kinds.split()),
        hours=part("hours"),
        number=part("machines"),
        signal=_words(signal[1]) if signal else "",
        short=part("short"),
        more=_words(markup.partition('<div class="more">')[2]),
        markup=markup,
    )


def _words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"^[^<]*>|<[^>]*>", " ", markup)).split())
