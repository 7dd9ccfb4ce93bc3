"""Predictions of classes and how these began: the report that the page and `readiness_report` show."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from blockalloc.models.scope import Scope
from blockalloc.store import calibration as store
from scheduling.calibration import Calibration, Look, Said, Tally, calibration
from scheduling.load_time.changes import Change, changes
from scheduling.windows import MINUTE
from scheduling.wording import plural

DAYS = 90
LOOKS = ("at allocation", "half an hour before")


class Report(NamedTuple):
    """The comparison of the last `days` days, and the images whose loads have changed."""

    days: int
    said: Calibration
    changes: list[Change]

    @property
    def missing(self) -> str:
        """What is missing when nothing can be compared; "" otherwise."""
        if self.said.counted:
            return ""
        if not self.said.begun:
            return (
                f"No class with machines is on record for the last {plural(self.days, 'day')}: "
                "keep_ready records each class that begins while it runs."
            )
        began = f"{_classes(self.said.begun)} began"
        if not self.said.looked_at:
            return f"{began}, but none was checked at the start: keep_ready has to do that within two minutes of it."
        return (
            f"{began}, but nothing had been predicted for any of them: the service predicts with "
            "VCL_RELOAD_POLICY=ready."
        )


class Verdict(NamedTuple):
    """Whether a prediction is within the interval of what came: a level of a signal, and a word for it."""

    level: str
    text: str


class Row(NamedTuple):
    """A line of a table, in words; `name` is that of a bin, an image or a management node."""

    name: str
    look: str
    classes: int
    said: str
    came: str
    interval: str
    seats: str
    verdict: Verdict


def report(now: int, scope: Scope, days: int = DAYS, image_id: int | None = None) -> Report:
    """The report at `now` (Unix seconds). Four statements."""
    past = store.read(now, days, scope, image_id)
    return Report(days, calibration(past.classes), changes(past.loads, now))


def by_bins(said: Said) -> list[Row]:
    """The bins in which classes are, for both looks, each look with its total."""
    return [row for look, each in zip(LOOKS, (said.at_allocation, said.last), strict=True) for row in _bins(look, each)]


def by_name(groups: Mapping[str, Said]) -> list[Row]:
    """Two lines for each name at most, one for each look."""
    return [
        _row(name, look, each.all)
        for name, said in groups.items()
        for look, each in zip(LOOKS, (said.at_allocation, said.last), strict=True)
        if each.all.classes
    ]


def seats(said: Calibration) -> str:
    """How many machines were ready at the start, in all."""
    share = _of(said.seats_ready, said.seats)
    return f"{said.seats_ready:,} of {said.seats:,} machines were ready at the start ({share})"


def changed(change: Change) -> str:
    """How the loads of an image have changed: `Ubuntu: loads now typically take 14 minutes, previously 10`."""
    if change.what != "length":
        return change.text
    digits = 0 if round(change.recent / MINUTE) != round(change.before / MINUTE) else 1
    now, before = (f"{seconds / MINUTE:.{digits}f}" for seconds in (change.recent, change.before))
    return f"{change.image}: loads now typically take {now} minute{'' if now == '1' else 's'}, previously {before}"


def _bins(look: str, each: Look) -> Iterator[Row]:
    for one in each.bins:
        if one.tally.classes:
            least, most = f"{100 * one.least:g}", f"{100 * one.most:g} %"
            yield _row(f"{least} to {most}" if one.least else f"below {most}", look, one.tally)
    if each.all.classes:
        yield _row("All", look, each.all)


def _row(name: str, look: str, tally: Tally) -> Row:
    return Row(
        name,
        look,
        tally.classes,
        f"{100 * (tally.said or 0):.1f} %",
        f"{tally.came} ({_of(tally.came, tally.classes)})",
        f"{100 * tally.low:.1f} to {100 * tally.high:.1f} %",
        f"{tally.seats_ready:,} of {tally.seats:,}",
        _verdict(tally),
    )


def _verdict(tally: Tally) -> Verdict:
    said = tally.said or 0
    if said > tally.high:
        return Verdict("watch", "too optimistic")
    return Verdict("plain", "too cautious") if said < tally.low else Verdict("good", "accurate")


def _of(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _classes(number: int) -> str:
    return f"{number:,} class{'' if number == 1 else 'es'}"
