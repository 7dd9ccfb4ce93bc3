"""Texts of records in plain words, computers to which the same happens in one line, and what took most of them."""

from dataclasses import replace
from datetime import datetime

import pytest
import time_machine

from blockalloc.pages.alike import changes, effects
from blockalloc.pages.vcl_words import in_plain_words
from blockalloc.pages.why import pretty, took_most
from blockalloc.reports.decision import Report, Step
from blockalloc.site_time import site_zone
from blockalloc.upkeep.proposals import Proposal

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("its state is vmhostinuse", "its state is vmhostinuse (VM host in use)"),
        ("it is in state hpc", "it is in state hpc (lent to a compute cluster)"),
        ("its state is failed", "its state is failed"),
        ("from 2026-11-30 09:00 to 2026-11-30 11:00", "from Mon 30 Nov 09:00 to 11:00"),
        ("from 2026-11-30 21:00 to 2026-12-01 01:00", "from Mon 30 Nov 21:00 to Tue 1 Dec 01:00"),
        ("since 2025-01-07 09:00", "since Tue 7 Jan 2025 09:00"),
        ("image 2026-13-40 25:00", "image 2026-13-40 25:00"),
        ("blockTimeid: there is no block time 7", "there is no block time 7"),
        ("2 of 3. no other computer for: c1. no.edu", "2 of 3. No other computer for: c1. no.edu"),
    ],
)
def test_inner_words_have_plain_ones_beside_them(text: str, words: str) -> None:
    with time_machine.travel(datetime(2026, 11, 25, 12, tzinfo=site_zone())):
        assert in_plain_words(text) == words


def test_computers_to_which_the_same_happens_are_one_line() -> None:
    removed = "its reload will be removed"
    found = effects([("c1", removed), ("c2", "it has no reload to remove"), ("c3", removed)])
    assert found == [("their reloads will be removed", ["c1", "c3"]), ("it has no reload to remove", ["c2"])]


def test_changes_that_differ_in_the_time_of_the_load_are_one() -> None:
    failed = Proposal(1, "c1", "give up", "it is in state failed")
    taken = [Proposal(id_, f"c{id_}", "take", f"its load begins at 08:{id_}", id_) for id_ in (30, 20, 25)]
    again = [Proposal(id_, f"c{id_}", "load again, its load begins at 08:10", "it is old") for id_ in (40, 41)]
    found = [(each.action, each.why, len(each.computers)) for each in changes([failed, *taken, *again])]
    assert found == [
        ("give up", "it is in state failed", 1),
        ("take", "their loads begin from 08:20 to 08:30", 3),
        ("load again, their loads begin at 08:10", "they are old", 2),
    ]


def _report(bookings: list[tuple[str, int]], *steps: tuple[str, int, bool]) -> Report:
    most = max(steps, key=lambda step: (step[2], step[1]), default=None)
    made = [
        Step(title, title, f"not {title}", number, 0, [], 0, about_time, takes_most=(title, number, about_time) == most)
        for title, number, about_time in steps
    ]
    return Report(100, 68, made, [], [], bookings)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (None, ""),
        (_report([]), ""),
        (
            _report([("block time 4", 49)], ("free", 50, True)),
            "; most were lost to block time 4, which holds 49 of them.",
        ),
        (_report([("request 4", 1)], ("mapped", 60, False), ("open", 30, True)), "; 30 of them are not open."),
        (_report([("block time 4", 6)], ("open", 10, True), ("free", 6, True)), "; 10 of them are not open."),
        (_report([("block time 4", 1)], ("free", 2, True)), "; 2 of them are not free."),
        (_report([], ("free", 1, True)), "; 1 of them is not free."),
        (_report([], ("mapped", 60, False)), "; most others are not mapped: 60."),
    ],
)
def test_what_took_most_is_the_booking_that_holds_most_or_a_rule(report: Report | None, words: str) -> None:
    fit = "68 computers of the site can run the image" if words else ""
    assert took_most(report) == f"{fit}{words}"


def test_that_none_can_run_the_image_is_said_in_words() -> None:
    found = replace(_report([], ("mapped", 100, False)), able=0)
    assert took_most(found) == "no computer of the site can run the image; most are not mapped: 100."


def test_parameters_are_easy_to_read() -> None:
    assert pretty('{"blockTimeid": 1, "reason": "Räume"}') == '{\n  "blockTimeid": 1,\n  "reason": "Räume"\n}'
    assert pretty("not JSON") == "not JSON"
