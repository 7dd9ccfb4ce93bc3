"""What people have been told about a class, and what the next view of it makes news (SPEC 9.6).

An example: a class of 20 at nine o'clock. The back end asks at three and gets 18: people are told that two machines are
missing. At five keep_ready finds two: mended. At 8:20 ten loads are expected after the start, and the look at 8:21 says
so too: at risk. By 8:40 that is no longer so, which is no news, for it may come back. At 8:55 all are ready: that is.
"""

from dataclasses import dataclass, replace

from scheduling.news.kinds import Kind
from scheduling.windows import DAY, MINUTE

AHEAD = DAY  # until then only a shortage is told, once: there is time, and much may change
CONFIRMED = MINUTE  # two looks so far apart have to see trouble before it is told: what fails may be made up for
AT_ONCE = 15 * MINUTE  # before the start a risk is told at once: it can't be made up for any more
DEEPENING = 15 * MINUTE  # from one shortage that is told to a larger one: computers may be lost one after another
_STILL_THE_START = 10 * MINUTE  # a first look that comes later than this says nothing about the start any more


@dataclass(frozen=True, slots=True)
class Standing:
    """What has been told about the class that starts at `start`, and what has been seen of it. Unix seconds.

    `short`: how many machines were missing when that was told last, at `short_told`; 0 and None when it was not or has
    been mended. `troubled`: since when looks have seen trouble without a break, told or not. `at_risk`, `not_ready`:
    when that was told, None when it was not or is over. `held`: a larger shortage than the one that was told waits to
    be told until the class is less than a day away. `begun`: a look has seen the class after its start.
    """

    start: int
    short: int = 0
    short_told: int | None = None
    troubled: int | None = None
    at_risk: int | None = None
    not_ready: int | None = None
    held: bool = False
    begun: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A class as a look or an allocation sees it; numbers are machines.

    `usable` of the `wanted` are there, and have not failed; `ready` are ready now: None for an allocation, which does
    not look at that. `is_bad`: the class is in trouble, `is_risk`: because machines that it has may be late; an
    allocation knows neither. `is_closed`: it is not to take place (any more).
    """

    start: int
    wanted: int
    usable: int
    ready: int | None = None
    is_bad: bool = False
    is_risk: bool = False
    is_closed: bool = False
    is_early: bool = False

    @property
    def missing(self) -> int:
        """How many machines it lacks."""
        return max(self.wanted - self.usable, 0)

    @property
    def is_all_ready(self) -> bool:
        """Whether all machines are ready, and are expected to stay so."""
        return self.ready is not None and self.ready >= self.wanted and not self.missing and not self.is_bad


Step = tuple[Standing, Kind | None]


def step(standing: Standing, view: View, now: int) -> Step:
    """The standing after this view at `now` (Unix seconds), and what people are to be told; None for nothing.

    Nothing is told twice, unless it was over in between. A class that is closed is forgotten without a word: whoever
    has closed it knows.
    """
    if view.is_closed:
        return Standing(view.start), None
    standing = _of_start(standing, view.start)
    if view.is_early:
        return standing, None
    if view.start - now > AHEAD:
        return _far_ahead(standing, view, now)
    if view.ready is None:
        return _over(standing, view) or _by_call(standing, view, now)
    since = now if standing.troubled is None else standing.troubled
    seen = replace(standing, troubled=since if view.is_bad else None)
    return _over(seen, view, has_begun=now >= view.start) or _by_look(seen, view, now)


def foreseen(standing: Standing, start: int, missing: int, now: int) -> Standing:
    """The standing when people are told what the forecast sees: so many machines will be missing, or 0, none any more.

    What allocations and looks see later is compared with that: it is news only if more are missing, or none.
    """
    standing = _of_start(standing, start)
    return replace(standing, short=missing, short_told=now if missing else None, held=False)


def _of_start(standing: Standing, start: int) -> Standing:
    """The standing when the class has been moved: what was told is still to be taken back, but the start is to come."""
    if standing.start == start:
        return standing
    risk = standing.not_ready if standing.at_risk is None else standing.at_risk
    return Standing(start, standing.short, standing.short_told, at_risk=risk, held=standing.held)


def _far_ahead(standing: Standing, view: View, now: int) -> Step:
    """More than a day before the start: a first shortage is told, all else waits."""
    if view.missing <= standing.short:
        return standing, None
    if standing.short:
        return replace(standing, held=True), None
    # What a look sees so early is no shortage yet: the back end asks hours before the start.
    return (_short(standing, view, now), Kind.SHORT) if view.ready is None else (standing, None)


def _short(standing: Standing, view: View, now: int) -> Standing:
    """The standing when people are told how many machines it lacks."""
    return replace(standing, short=view.missing, short_told=now, held=False)


def _is_deeper(standing: Standing, view: View, now: int) -> bool:
    """Whether it lacks more machines than people know, and they are to be told so now.

    Where an image fails to load, a class loses its computers one by one: that is not told one by one, but when nothing
    is left.
    """
    told = standing.short_told if standing.short else None
    return view.missing > standing.short and (told is None or not view.usable or now - told >= DEEPENING)


def _over(standing: Standing, view: View, *, has_begun: bool = False) -> Step | None:
    """Good news: what was told is over. None when it is not, or nothing was told."""
    is_told = standing.at_risk is not None or standing.not_ready is not None
    if is_told and view.is_all_ready:
        return Standing(view.start, begun=standing.begun or has_begun), Kind.READY
    if standing.short and not view.missing:
        return replace(standing, short=0, short_told=None, held=False), Kind.MENDED
    return None


def _by_call(standing: Standing, view: View, now: int) -> Step:
    """An allocation knows how many machines are missing, and nothing else."""
    return (_short(standing, view, now), Kind.SHORT) if _is_deeper(standing, view, now) else (standing, None)


def _by_look(standing: Standing, view: View, now: int) -> Step:
    """What a look sees: the first one after the start judges that, the others whether there is trouble."""
    has_begun, troubled = now >= view.start, standing.troubled
    is_deeper = _is_deeper(standing, view, now)
    seen = replace(
        standing,
        held=standing.held and view.missing > standing.short and not is_deeper,
        begun=standing.begun or has_begun,
    )
    if has_begun and not standing.begun and now - view.start <= _STILL_THE_START and (view.ready or 0) < view.usable:
        seen = replace(seen, not_ready=now)
        return (_short(seen, view, now) if view.missing > seen.short else seen), Kind.NOT_READY
    is_sure = troubled is not None and now - troubled >= CONFIRMED
    is_told = seen.at_risk is not None or seen.not_ready is not None
    is_risk = view.is_risk and not has_begun and not is_told and (is_sure or view.start - now < AT_ONCE)
    if is_deeper and (is_sure or standing.held):  # it says what is at risk as well
        return replace(_short(seen, view, now), at_risk=now if is_risk else seen.at_risk), Kind.SHORT
    return (replace(seen, at_risk=now), Kind.AT_RISK) if is_risk else (seen, None)
