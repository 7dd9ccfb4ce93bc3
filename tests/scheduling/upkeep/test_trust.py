"""Whether the site's clock may be trusted, look by look: on simulated sites, with right zones and wrong ones."""

import random
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scheduling.site_clock import Facts, Node, Outcome, Row, Verdict, judge, same_hours
from scheduling.upkeep.trust import Doubt, Look, Memory, Trust, is_proved, look
from scheduling.windows import DAY, HOUR, MINUTE

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NOON = int(datetime(2026, 2, 2, 17, 0, tzinfo=UTC).timestamp())  # in New York, a Monday
SITE = "America/New_York"
FITS, WRONG = Verdict(Outcome.FITS), Verdict(Outcome.WRONG, 5 * HOUR)
WRONG_ZONES = {  # by how many hours they are ahead of the site's in February
    "America/Halifax": 1, "UTC": 5, "Asia/Kolkata": 10.5, "Europe/Moscow": 8, "America/St_Johns": 1.5,
    "America/Chicago": -1, "Pacific/Honolulu": -5, "Pacific/Marquesas": -4.5,
}  # fmt: skip


def wall(instant: int, zone: str = SITE) -> datetime:
    return datetime.fromtimestamp(instant, ZoneInfo(zone)).replace(tzinfo=None)


class Site:
    """A site in New York on which rows are written at random moments, `every` so many seconds, for three weeks.

    The first two are history. Its clock is looked at each minute, in the zone that is configured.
    """

    def __init__(self, every: int, seed: int, begin: int = NOON) -> None:
        draw = random.Random(seed)
        self.begin = begin
        self._written = [begin - 15 * DAY]
        while self._written[-1] < begin + 8 * DAY:
            self._written.append(self._written[-1] + int(draw.expovariate(1 / every)) + 1)
        self._walls = [wall(instant) for instant in self._written]

    def looks(self, configured: str, begin: int, end: int, memory: Memory | None = None) -> list[Look]:
        """The looks from `begin` to `end`, seconds after the site's begin."""
        looks = []
        for now in range(self.begin + begin, self.begin + end, MINUTE):
            looks.append(self._look(configured, now, memory))
            memory = looks[-1].memory
        return looks

    def _look(self, configured: str, now: int, memory: Memory | None) -> Look:
        zone, last = ZoneInfo(configured), bisect_right(self._written, now)

        def silent_days(seconds: int) -> Mapping[int, bool]:
            shown, silent = datetime.fromtimestamp(now, zone).replace(tzinfo=None), {}
            for days in range(1, 15):
                start, end = same_hours(shown, days, seconds)
                if self._walls[0] <= start:
                    silent[days] = bisect_right(self._walls, end, hi=last) == bisect_right(self._walls, start, hi=last)
            return silent

        rows = [Row(each, "request.daterequested", by_database=True) for each in self._walls[max(last - 2, 0) : last]]
        facts = Facts(now, zone, rows, [Node("node1", now - 5)])
        return look(facts, judge(facts, silent_days), memory, "host")


@pytest.mark.parametrize("every", [10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR])
def test_a_right_zone_is_hardly_ever_in_doubt(every: int) -> None:
    looks = Site(every, seed=every).looks(SITE, 0, 3 * DAY)
    in_doubt = [each for each in looks if each.doubt is not Doubt.NONE]
    assert len(in_doubt) < len(looks) / 50
    assert not any(each.memory.doubted for each in looks), "never beyond the look itself"
    first = next(number for number, each in enumerate(looks) if each.is_proved)
    assert all(each.is_proved for each in looks[first:])
    assert first < 12 * HOUR // MINUTE


@pytest.mark.parametrize("every", [10 * MINUTE, 2 * HOUR])
@pytest.mark.parametrize("zone", WRONG_ZONES)
def test_a_wrong_zone_never_proves_that_anything_is_over(zone: str, every: int) -> None:
    looks = Site(every, seed=len(zone)).looks(zone, 0, DAY)
    first = next(number for number, each in enumerate(looks) if each.memory.doubted)
    assert all(each.doubt is not Doubt.NONE for each in looks[first:]), "it stays in doubt"
    trusted = [each for each in looks if each.is_proved]
    if WRONG_ZONES[zone] > 0:
        assert trusted == []
    else:  # what is over by a clock that is behind is over: only rows of before the first look can have misled it
        assert not any(each.is_proved for each in looks[first:])


@pytest.mark.parametrize("zone", ["UTC", "America/Halifax", "America/Chicago"])
def test_a_wrong_zone_is_in_doubt_from_the_first_row_that_is_written(zone: str) -> None:
    site = Site(40 * MINUTE, seed=1)
    looks = site.looks(zone, 0, 12 * HOUR)
    newest = [each.memory.newest for each in looks]
    first = next(number for number in range(1, len(looks)) if newest[number] != newest[number - 1])
    assert looks[first].memory.doubted
    assert looks[first].doubt is not Doubt.NONE


def test_the_right_zone_is_trusted_again_from_the_next_row_on() -> None:
    site = Site(30 * MINUTE, seed=2)
    wrong = site.looks("UTC", 0, 6 * HOUR)
    right = site.looks(SITE, 6 * HOUR, 12 * HOUR, wrong[-1].memory)
    assert wrong[-1].memory.doubted
    assert not any(each.memory.doubted for each in right)
    assert right[-1].is_proved


@pytest.mark.parametrize("changes", ["2026-03-08", "2026-11-01"])
def test_the_nights_in_which_the_clock_changes(changes: str) -> None:
    """Proofs of before the change no longer count; a row of after it proves the zone again."""
    begin = int(datetime.fromisoformat(f"{changes}T03:00:00+00:00").timestamp())
    looks = Site(20 * MINUTE, seed=3, begin=begin).looks(SITE, 0, 12 * HOUR)
    assert not any(each.memory.doubted for each in looks)
    assert looks[-1].is_proved
    assert looks[0].is_proved or looks[60].is_proved


# --- Single looks --------------------------------------------------------------------------------


def facts(*ages: int, now: int = NOON, zone: str = SITE, rough: bool = False, ahead: int = 0) -> Facts:
    """Rows that have these ages by the configured zone."""
    rows = [Row(wall(now - age, zone), "log.start", by_database=False, rough=rough) for age in ages]
    return Facts(now, ZoneInfo(zone), rows, [Node("node1", now)], database_ahead=ahead)


def memory(newest: int | None = 3 * HOUR, at: int = MINUTE, **more: object) -> Memory:
    """Of the look a minute ago, when the newest row was one that is `newest` old now."""
    row = None if newest is None else wall(NOON - newest)
    return Memory(**({"at": NOON - at, "host": "host", "zone": SITE, "newest": row} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "proved"), [(-121, False), (-120, True), (0, True), (779, True), (780, False), (HOUR, False)]
)
def test_a_row_of_just_now_proves_the_zone(age: int, proved: bool) -> None:
    for last in (None, memory(newest=age + HOUR)):
        assert look(facts(age), FITS, last, "host").is_proved == proved


def test_not_one_that_may_be_rounded() -> None:
    seen = look(facts(60, rough=True), FITS, memory(), "host")
    assert (seen.is_proved, seen.memory.newest) == (False, None)


def test_not_one_that_the_last_look_has_seen() -> None:
    assert not look(facts(60), FITS, memory(newest=60), "host").is_proved


@pytest.mark.parametrize(
    ("gap", "age", "doubted"),
    [(MINUTE, 779, False), (MINUTE, 839, False), (MINUTE, 840, True), (10 * MINUTE, 840, False),
     (10 * MINUTE, 1380, True), (10 * MINUTE + 1, 5 * HOUR, False)],
)  # fmt: skip
def test_a_new_row_that_is_old_speaks_against_the_zone(gap: int, age: int, doubted: bool) -> None:
    seen = look(facts(age), FITS, memory(newest=10 * HOUR, at=gap, proved=NOON - DAY), "host")
    assert bool(seen.memory.doubted) == doubted
    assert (seen.doubt is Doubt.STANDING) == doubted == (not seen.is_proved)


def test_one_of_several_rows_of_just_now_is_enough() -> None:
    seen = look(facts(30 * MINUTE, 20), FITS, memory(), "host")
    assert (seen.doubt, seen.is_proved) == (Doubt.NONE, True)


def test_a_look_that_is_wrong_about_an_old_row_passes() -> None:
    """The row was there before: nobody has written it just now."""
    seen = look(facts(5 * HOUR), WRONG, memory(newest=5 * HOUR, proved=NOON - DAY), "host")
    assert (seen.doubt, seen.memory.doubted, seen.memory.proved) == (Doubt.NONE, None, NOON - DAY)
    after = look(facts(5 * HOUR + 60, now=NOON + 60), FITS, seen.memory, "host")
    assert (after.doubt, after.is_proved) == (Doubt.NONE, True)


def test_a_look_that_is_wrong_about_an_old_row_is_careful_where_nothing_has_proved_the_zone() -> None:
    seen = look(facts(5 * HOUR), WRONG, memory(newest=5 * HOUR), "host")
    assert (seen.doubt, seen.memory.doubted, seen.memory.proved) == (Doubt.WRONG, None, None)
    after = look(facts(5 * HOUR + 60, now=NOON + 60), FITS, seen.memory, "host")
    assert (after.doubt, after.is_proved) == (Doubt.NONE, False)


@pytest.mark.parametrize(("proved", "doubted"), [(None, NOON), (NOON - DAY, None), (NOON - 8 * DAY, NOON)])
def test_a_first_look_that_is_wrong_counts_unless_the_zone_was_proved(proved: int | None, doubted: int | None) -> None:
    seen = look(facts(5 * HOUR), WRONG, memory(at=HOUR, proved=proved), "host")
    assert (seen.doubt, seen.memory.doubted) == (Doubt.WRONG, doubted)


def test_doubt_is_lifted_by_a_new_row_only() -> None:
    doubted = memory(newest=60, doubted=NOON - HOUR)
    assert look(facts(60), FITS, doubted, "host").doubt is Doubt.STANDING
    assert look(facts(60), FITS, memory(at=HOUR, doubted=NOON - HOUR), "host").doubt is Doubt.STANDING
    assert look(facts(60, 20), WRONG, doubted, "host").doubt is Doubt.WRONG
    lifted = look(facts(60, 20), FITS, doubted, "host")
    assert (lifted.doubt, lifted.memory.doubted, lifted.is_proved) == (Doubt.NONE, None, True)


@pytest.mark.parametrize("ahead", [31, -31, 120])
def test_a_hosts_clock_that_is_off(ahead: int) -> None:
    """This look changes nothing, and no row of the time in between counts."""
    seen = look(facts(20, ahead=ahead), FITS, memory(proved=NOON - DAY), "host")
    assert (seen.doubt, seen.memory.proved, seen.memory.newest) == (Doubt.HOST, NOON - DAY, None)
    later = look(facts(30 * MINUTE, now=NOON + MINUTE), FITS, seen.memory, "host")
    assert (later.doubt, later.is_proved) == (Doubt.NONE, True)
    assert look(facts(20, ahead=ahead), FITS, None, "host").doubt is Doubt.HOST


@pytest.mark.parametrize(("host", "at", "doubt"), [("other", MINUTE, Doubt.OTHER_ZONE), ("host", MINUTE, Doubt.NONE),
                                                    ("other", HOUR, Doubt.NONE)])  # fmt: skip
def test_two_hosts_with_different_zones(host: str, at: int, doubt: Doubt) -> None:
    """What is remembered is of one zone."""
    seen = look(facts(20, HOUR), FITS, memory(at=at, host=host, zone="UTC", doubted=NOON - HOUR), "host")
    assert (seen.doubt, seen.memory.zone, seen.memory.doubted) == (doubt, SITE, None)


@pytest.mark.parametrize(
    ("proved", "now", "counts"),
    [
        (NOON, NOON, True),
        (NOON, NOON + 7 * DAY - 1, True),
        (NOON, NOON + 7 * DAY, False),
        (NOON, NOON - 1, False),
        (1772928000 - 3 * HOUR, 1772928000 + 12 * HOUR, False),  # the clock was put forward in the night of 8 March
    ],
)
def test_how_long_a_proof_counts(proved: int, now: int, counts: bool) -> None:
    assert is_proved(memory(proved=proved), ZoneInfo(SITE), now) == counts


def test_what_is_past() -> None:
    nine = datetime(2026, 3, 2, 9, 0)
    assert Trust(evidence=True, ended=True).is_past(nine)
    assert Trust(evidence=True, newest=nine).is_past(nine)
    assert not Trust(evidence=True, newest=nine).is_past(datetime(2026, 3, 2, 9, 1))
    assert not Trust(evidence=True).is_past(nine)
    assert not Trust(evidence=False, ended=True).is_past(nine)
    assert not Trust("doubt", evidence=True, ended=True).is_past(nine)
