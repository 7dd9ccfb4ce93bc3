"""The service's own format: names and forms that programs rely on."""

import json
from datetime import datetime
from typing import Any

import pytest
from pytest_django import Settings

from blockalloc.notifications.letter import Letter, Section
from blockalloc.notifications.webhooks.bodies import body_of
from scheduling.news.kinds import Kind
from tests.support.letters import item, letter

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


@pytest.fixture(autouse=True)
def _time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"


def event(of: Letter) -> dict[str, Any]:
    """The event as a receiver reads it."""
    made: dict[str, Any] = json.loads(body_of("json", of))
    return made


def test_news_of_a_class() -> None:
    assert event(letter(item(earlier=["It was at risk at 11:40."]))) == {
        "version": 1,
        "type": "classes.changed",
        "id": "0123abcd-news",
        "timestamp": "2025-11-30T07:00:00-05:00",
        "subject": "1 class lacks machines",
        "text": "Today:",
        "classes": [
            {
                "event": "short",
                "is_trouble": True,
                "news_id": 7,
                "block_time_id": 12,
                "name": "CS 101",
                "image": "Windows Lab",
                "user_group": "cs101-students",
                "owner": "Jane Doe",
                "start": "2025-11-30T09:00:00-05:00",
                "end": "2025-11-30T10:30:00-05:00",
                "machines": {"wanted": 20, "usable": 17, "ready": None},
                "sureness": None,
                "headline": "CS 101 lacks 3 of 20 machines",
                "why": "All other computers are in use.",
                "since": "It has lacked them since 12:00.",
                "tried": "The service looked for substitutes twice.",
                "advice": "Ask for fewer machines, or for another hour.",
                "link": "https://blocks.example.edu/admin/blockalloc/blocktime/12/",
                "week": "",
                "earlier": ["It was at risk at 11:40."],
            }
        ],
        "sections": [],
    }


def test_a_daily_summary_and_a_test() -> None:
    summary = event(letter(kind="summary", sections=[Section("At risk", [("CS 101", "https://x.example.edu/1")])]))
    assert summary["type"] == "classes.summary"
    assert summary["sections"] == [
        {"title": "At risk", "lines": [{"text": "CS 101", "link": "https://x.example.edu/1"}]}
    ]
    assert event(letter(kind="test"))["type"] == "test"


def test_every_kind_has_a_name() -> None:
    events = [event(letter(item(kind=kind)))["classes"][0] for kind in Kind]
    assert [(each["event"], each["is_trouble"]) for each in events] == [
        ("short", True),
        ("at_risk", True),
        ("not_ready", True),
        ("mended", False),
        ("ready", False),
        ("foreseen", True),
        ("foreseen_over", False),
    ]


def test_times_have_the_offset_of_their_own_day() -> None:
    july = int(datetime.fromisoformat("2025-07-01T12:00:00+00:00").timestamp())
    assert event(letter(item(start=july)))["classes"][0]["start"] == "2025-07-01T08:00:00-04:00"


def test_nothing_is_cut() -> None:
    many = event(letter(*(item(news_id=number, why="x" * 10_000) for number in range(300))))["classes"]
    assert [(each["news_id"], len(each["why"])) for each in many] == [(number, 10_000) for number in range(300)]


def test_any_name_comes_through_as_it_is() -> None:
    name = "Prüfung “1” <b>&\u2028\ud83d 😀\n"
    text = body_of("json", letter(item(name=name)))
    assert text.isascii()
    assert json.loads(text)["classes"][0]["name"] == name
