"""The page "Today" as one reads it: a text for each class."""

import html
import re

from django.test import Client
from django.urls import reverse

TODAY = reverse("admin:today")
_CLASS = re.compile(r"<(article|li) [^>]*data-key=.*?</\1>(?=\s*(?:<article|<li |</div>|</ul>))", re.DOTALL)


def markups(client: Client, url: str = TODAY) -> dict[str, str]:
    """Name of a class -> its card, or its line if it is over, in the order of the page."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    found = [each.group() for each in _CLASS.finditer(answer.content.decode())]
    return {_read("".join(re.findall(r"<h3.*?</h3>", each, re.DOTALL))): each for each in found}


def cards(client: Client, url: str = TODAY) -> dict[str, str]:
    """The same as one reads it: `At risk 09:00–11:00 CS101 … starts in 20 min 17 of 20 usable …`."""
    return {name: _read(markup) for name, markup in markups(client, url).items()}


def _read(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())
