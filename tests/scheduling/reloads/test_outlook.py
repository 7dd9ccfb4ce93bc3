"""What is said about a class, in words."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from scheduling.reloads.outlook import Outlook, in_full, in_words, sureness

ZONE = ZoneInfo("America/New_York")
NINE = int(datetime(2026, 11, 30, 9, 0, tzinfo=ZONE).timestamp())


@pytest.mark.parametrize(
    ("ready", "words"),
    [
        (0.0, "less than 1 % sure"),
        (0.0099, "less than 1 % sure"),
        (0.01, "1 % sure"),
        (0.0149, "1 % sure"),
        (0.015, "2 % sure"),
        (0.29, "29 % sure"),
        (0.5, "50 % sure"),
        (0.5651, "57 % sure"),
        (0.9899, "99 % sure"),
        (0.99, "99 % sure"),
        (0.9901, "more than 99 % sure"),
        (1.0, "more than 99 % sure"),
    ],
)
def test_how_sure(ready: float, words: str) -> None:
    assert sureness(ready) == words


def test_no_percentage_is_left_out_and_none_is_0_or_100() -> None:
    said = [sureness(number / 1000) for number in range(1001)]
    numbers = ["less than 1", *map(str, range(1, 100)), "more than 99"]
    assert list(dict.fromkeys(said)) == [f"{number} % sure" for number in numbers]


@pytest.mark.parametrize(
    ("late", "machines", "words"),
    [
        (0.0, 20, "97 % sure that all 20 are ready at 09:00"),
        (0.49, 20, "97 % sure that all 20 are ready at 09:00"),
        (0.5, 20, "97 % sure that all 20 are ready at 09:00, 1 machine expected late"),
        (1.49, 20, "97 % sure that all 20 are ready at 09:00, 1 machine expected late"),
        (1.5, 20, "97 % sure that all 20 are ready at 09:00, 2 machines expected late"),
        (2.5, 3, "97 % sure that all 3 are ready at 09:00, 3 machines expected late"),
        (0.2, 2, "97 % sure that both machines are ready at 09:00"),
        (1.0, 2, "97 % sure that both machines are ready at 09:00, 1 machine expected late"),
        (0.9, 1, "97 % sure that the machine is ready at 09:00"),
        (0.0, 0, ""),
    ],
)
def test_what_is_said_about_a_class(late: float, machines: int, words: str) -> None:
    assert in_words(0.97, late, machines, NINE, ZONE) == words


def test_the_clock_is_that_of_the_site() -> None:
    assert in_words(0.97, 0, 20, NINE, ZoneInfo("Europe/Berlin")).endswith("ready at 15:00")


@pytest.mark.parametrize(
    ("words", "minutes", "sentence"),
    [
        ("97 % sure", 240, "97 % sure; 240 computer-minutes taken before the start"),
        ("less than 1 % sure", 1, "Less than 1 % sure; 1 computer-minute taken before the start"),
        ("more than 99 % sure", 0, "More than 99 % sure; 0 computer-minutes taken before the start"),
        ("", 240, ""),
    ],
)
def test_the_sentence_has_the_minutes(words: str, minutes: int, sentence: str) -> None:
    assert in_full(words, minutes) == sentence


def test_answers_have_few_digits() -> None:
    assert Outlook(20, 0.98177083, 0.01953125, 240, mended=True).rounded() == (20, 0.982, 0.02, 240, True)
