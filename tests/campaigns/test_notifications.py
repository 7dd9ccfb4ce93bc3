"""Who reads only the mails knows everything that mattered: a sample of the campaign, and what its judge objects to."""

import subprocess
import sys

import pytest

from simulation.back_end.mails import Kind, Mail
from tests.support.servers.own_process import ROOT
from verification.notifications.changes import What
from verification.notifications.inbox import Received
from verification.notifications.judge import judge
from verification.notifications.reader import Message, Told, Unreadable, read_mail
from verification.notifications.readers import Reader
from verification.notifications.truth import Change, Course
from verification.notifications.week import Trouble, Week

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NINE = 1_772_460_000  # Monday 2 March 2026 in New York
CLASS = 1000


def test_a_morning_is_known_from_its_mails() -> None:
    size = "--classes 12 --days 1 --share 0.5 --hours 9 9 --quiet".split()
    command = [sys.executable, "-m", "verification.notifications", *size]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 classes on 1 days, 6 of them in trouble:" in done.stdout
    for what in ("at risk: ", "mended: ", "not ready at the start: ", "ready: ", "short: "):
        assert what in done.stdout
    assert "known after " in done.stdout


def test_each_trouble_occurs_in_a_week() -> None:
    week = Week(1, 200, 5)
    drawn = [each.trouble for each in week.classes]
    assert len(drawn) == 200
    assert sum(each in drawn for each in Trouble) == len(Trouble)
    assert len({each.id for each in week.classes}) == 200


# --- the judge --------------------------------------------------------------------------------------
def course(*changes: tuple[int, What, int]) -> Course:
    """A class of five with changes: minutes after nine, what, how many machines there are then."""
    return Course([Change(NINE + 60 * minutes, what, 5, usable, 0) for minutes, what, usable in changes])


def reader(*told: tuple[int, What, int], remit: int = CLASS) -> Reader:
    """Somebody who has been told: minutes after nine, what, how many machines there are; each in a mail of its own."""
    found = Reader("the desk", frozenset([remit]))
    for number, (minutes, what, usable) in enumerate(told):
        at = NINE + 60 * minutes
        each = Told(at, f"mail {number}", CLASS, what, 5 - usable, 5, usable, is_latest=True)
        found.messages.append(Message(at, f"mail {number}", "desk", "", is_news=True, told=[each]))
        found.told.append(each)
    return found


SHORT_AND_MENDED = (0, What.SHORT, 3), (30, What.MENDED, 5)


def objections(reader: Reader, course: Course) -> str:
    """What the judge objects to."""
    return "\n".join(judge(reader, {CLASS: course}).wrong)


def test_who_is_told_all_within_two_minutes_knows_all() -> None:
    verdict = judge(reader((1, What.SHORT, 3), (32, What.MENDED, 5)), {CLASS: course(*SHORT_AND_MENDED)})
    assert verdict.wrong == []
    assert sorted(verdict.delays) == [60, 120]


@pytest.mark.parametrize(
    ("told", "objection"),
    [
        ([], "it is short, and nothing says so"),
        ([(1, What.SHORT, 3)], "it is all well again, and nothing says so"),
        ([(3, What.SHORT, 3), (31, What.MENDED, 5)], "it is short, and nothing says so"),
        ([(1, What.SHORT, 3), (2, What.SHORT, 3), (31, What.MENDED, 5)], "3 messages for 2 changes"),
        ([(1, What.SHORT, 3), (20, What.MENDED, 5)], "“mended” is told, which was not so just before"),
        ([(1, What.SHORT, 4), (31, What.MENDED, 5)], "1 machines are told to be missing, and 2 are"),
        ([(1, What.AT_RISK, 5), (31, What.MENDED, 5)], "“at risk” is told, which was not so just before"),
        ([(31, What.MENDED, 5), (31, What.SHORT, 3)], "“short” is told"),
    ],
)
def test_who_is_told_something_else_does_not(told: list[tuple[int, What, int]], objection: str) -> None:
    assert objection in objections(reader(*told), course(*SHORT_AND_MENDED))


def test_no_news_of_other_people_s_classes() -> None:
    assert "it is none of theirs" in objections(reader((1, What.SHORT, 3), remit=CLASS + 1), course())


def test_what_vcl_has_told_an_owner_is_known_and_not_told_again() -> None:
    owner = reader((31, What.MENDED, 5))
    vcl_mail = Mail(NINE + 30, Kind.SHORT, CLASS, CLASS, 3, 5)
    owner.told_by_vcl.append(
        Told(vcl_mail.at, "vcl-0", CLASS, What.SHORT, vcl_mail.wanted - vcl_mail.allocated, 5, 3, is_latest=True)
    )
    assert judge(owner, {CLASS: course(*SHORT_AND_MENDED)}).wrong == []
    again = reader((1, What.SHORT, 3), (31, What.MENDED, 5))
    again.told_by_vcl += owner.told_by_vcl
    assert "which VCL has told them" in objections(again, course(*SHORT_AND_MENDED))


def test_a_mail_that_says_nothing_of_a_class_is_unreadable() -> None:
    content = "Message-ID: <1@x>\r\nSubject: news\r\nContent-Type: text/plain\r\n\r\nSomething has happened.\r\n"
    with pytest.raises(Unreadable, match="html"):
        read_mail(Received(NINE, "mail", ["desk"], content, {}))
