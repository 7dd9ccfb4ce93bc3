"""The metrics that come from the database: they are the same on every host.

Classes are judged as on the pages (reports.readiness). The number of statements is fixed, and so is that of series: of
classes only the next ones have their own, of images only those that load most.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.conf import settings
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from blockalloc import clock
from blockalloc.accounts import lockout
from blockalloc.forecasting.freshness import is_current
from blockalloc.models import BlockTime, Heartbeat, SeenLoad
from blockalloc.monitoring.latest import Latest
from blockalloc.monitoring.load_times import KeptLoadTimes
from blockalloc.reports import readiness
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.store import forecasts
from blockalloc.store import site_metrics as store
from blockalloc.store.sql import waiting_at_most
from scheduling.readiness import Readiness
from scheduling.windows import DAY, HOUR, MINUTE, WEEK

MOST_CLASSES, MOST_IMAGES = 50, 50  # that have series of their own
BEGUN = 15 * MINUTE  # so long after its start a class still has them
LOADS_SINCE, CALIBRATION_SINCE = DAY, 30 * DAY
OTHER = "other"  # all images that load less

# Seconds. A scrape is to take less than 50 ms, whatever the database does: it gets the last reading.
KEPT, USABLE, PAUSE, WAIT = 10.0, 60.0, 0.1, 4.0
_LONGEST_WAIT = 1.0  # seconds that a statement waits for somebody's lock
_STATES = {"bad": "at_risk", "watch": "watch", "good": "good", "plain": "not_asked"}


def collect() -> Iterable[Metric]:
    """What is known of the site, ten seconds old, a minute at most; without a database, that there is none."""
    found = latest.get()
    up = GaugeMetricFamily("blockalloc_database_up", "Whether the database answered.", found is not None)
    return [up, *(found or ())]


def read() -> list[Metric]:
    """Read it now. Raises DatabaseError."""
    now = clock.now()
    with waiting_at_most(lambda: _LONGEST_WAIT):
        seen = _classes(now)
        return [
            *_of_classes(seen, now),
            *_of_loads(seen, now),
            *_of_calibration(now),
            *_of_forecast(now),
            *_of_loops(),
            *_of_notifications(now),
            _gauge("blockalloc_lockouts_in_force", "Lock-outs that are in force.", lockout.in_force(now)),
        ]


load_times = KeptLoadTimes()
latest = Latest("metrics of the site", read, kept=KEPT, usable=USABLE, pause=PAUSE, wait=WAIT)


# --- Classes ------------------------------------------------------------------------------------
def _classes(now: int) -> list[BlockTimeReadiness]:
    """The classes that are on or start within VCL_KEEP_READY_HOURS, by start."""
    first, last = (_moment(now + seconds) for seconds in (0, settings.VCL_KEEP_READY_HOURS * HOUR))
    query = BlockTime.objects.accepted().not_skipped().taking_place_between(first, last)
    seen = readiness.read(query, now, closed=False, people=False, estimates=load_times)
    return [each for each in seen if each.is_current_or_upcoming(now)]


def _of_classes(seen: Sequence[BlockTimeReadiness], now: int) -> Iterable[Metric]:
    numbers = Counter(_STATES[each.readiness.signal.level] for each in seen)
    classes = GaugeMetricFamily(
        "blockalloc_classes",
        "Classes that are on or start soon, as the pages show them.",
        labels=["state"],
    )
    for state in _STATES.values():
        classes.add_metric([state], numbers[state])
    labels = ["block_time", "image"]
    ratio = GaugeMetricFamily(
        "blockalloc_class_ready_ratio",
        "Probability that all machines of a class are ready at its start.",
        labels=labels,
    )
    start = GaugeMetricFamily("blockalloc_class_start_timestamp_seconds", "When a class starts.", labels=labels)
    machines = GaugeMetricFamily(
        "blockalloc_class_machines", "Machines of a class: wanted, allocated, ready.", labels=[*labels, "state"]
    )
    for each in [each for each in seen if each.start > now - BEGUN][:MOST_CLASSES]:
        of, values = each.readiness, [str(each.id), each.image]
        if (said := _ratio(of)) is not None:
            ratio.add_metric(values, said)
        start.add_metric(values, each.start)
        for state, number in (("wanted", of.wanted), ("allocated", of.allocated), ("ready", of.ready)):
            machines.add_metric([*values, state], number)
    return [classes, ratio, start, machines]


def _ratio(of: Readiness) -> float | None:
    """What was said of a class to come, unless it has come; None where nothing was."""
    if of.ready >= of.wanted and not of.count("waiting"):
        return 1.0
    return of.sureness.ready if of.sureness else None


# --- Loads and calibration ----------------------------------------------------------------------
def _of_loads(seen: Sequence[BlockTimeReadiness], now: int) -> Iterable[Metric]:
    loads = GaugeMetricFamily(
        "blockalloc_loads", "Loads of the last 24 hours, as keep_ready saw them.", labels=["image", "outcome"]
    )
    for image, numbers in _by_image(store.loads_since(now - LOADS_SINCE)).items():
        for outcome in SeenLoad.OUTCOMES:
            loads.add_metric([image, outcome.replace(" ", "_")], numbers[outcome])
    late = sum(each.readiness.count("overdue") for each in seen)
    return [loads, _gauge("blockalloc_loads_late", "Reloads of classes that should have begun and have not.", late)]


def _by_image(rows: Iterable[store.Loads]) -> dict[str, Counter[str]]:
    """Image -> its loads by outcome. Images of one name are one; those that load least are together."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row.image][row.outcome] += row.number
    by_number = sorted(found, key=lambda image: (-found[image].total(), image))
    kept = {image: found[image] for image in by_number[:MOST_IMAGES]}
    for image in by_number[MOST_IMAGES:]:
        kept.setdefault(OTHER, Counter()).update(found[image])
    return kept


def _of_calibration(now: int) -> Iterable[Metric]:
    labels = ["said"]
    said = GaugeMetricFamily(
        "blockalloc_calibration_said_ratio", "Mean probability that was said of the classes of 30 days.", labels=labels
    )
    came = GaugeMetricFamily(
        "blockalloc_calibration_came_ratio", "Share of these classes that had all machines ready.", labels=labels
    )
    classes = GaugeMetricFamily(
        "blockalloc_calibration_classes", "Classes of 30 days of which something was said.", labels=labels
    )
    for name, each in zip(("allocation", "last"), store.calibration(now - CALIBRATION_SINCE, now), strict=True):
        classes.add_metric([name], each.classes)
        if each.classes:
            said.add_metric([name], each.said / each.classes)
            came.add_metric([name], each.came / each.classes)
    return [said, came, classes]


# --- Forecast -----------------------------------------------------------------------------------
def _of_forecast(now: int) -> Iterable[Metric]:
    """Of a forecast that does not count any more only its age is told."""
    run = forecasts.last_run()
    short = GaugeMetricFamily(
        "blockalloc_forecast_classes_short", "Classes of the next seven days that will lack machines, by the forecast."
    )
    missing = GaugeMetricFamily("blockalloc_forecast_machines_missing", "Machines that these classes will lack.")
    checked = GaugeMetricFamily(
        "blockalloc_forecast_checked_timestamp_seconds", "When the forecast was made, or found to be as it was."
    )
    took = GaugeMetricFamily("blockalloc_forecast_duration_seconds", "How long it took to make the forecast.")
    if is_current(run, now):
        lacking = forecasts.short_between(now, now + WEEK)
        short.add_metric([], len(lacking))
        missing.add_metric([], sum(each.missing for each in lacking))
    if run is not None and run.made:
        checked.add_metric([], run.checked)
        took.add_metric([], run.milliseconds / 1000)
    return [short, missing, checked, took]


# --- Loops and notifications --------------------------------------------------------------------
def _of_loops() -> Iterable[Metric]:
    seen = GaugeMetricFamily(
        "blockalloc_loop_last_seen_timestamp_seconds", "When a loop was last at work, on any host.", labels=["loop"]
    )
    last = Heartbeat.objects.filter(pk=1).values_list("at", "doubt").first()
    if last:
        seen.add_metric(["keep_ready"], int(last[0].timestamp()))
    for name, at in store.loops_seen().items():
        seen.add_metric([name], at)
    in_doubt = bool(last and last[1])
    return [
        seen,
        _gauge(
            "blockalloc_keep_ready_in_doubt",
            "Whether keep_ready changes nothing, since something is in doubt.",
            in_doubt,
        ),
    ]


def _of_notifications(now: int) -> Iterable[Metric]:
    found = store.waiting()
    numbers = GaugeMetricFamily(
        "blockalloc_notifications", "Notifications that are to be sent, or were given up.", labels=["state"]
    )
    numbers.add_metric(["waiting"], found.waiting)
    numbers.add_metric(["failed"], found.failed)
    oldest = max(now - found.oldest, 0) if found.oldest is not None else 0
    text = "Age of the oldest notification that is to be sent; 0 without one."
    return [numbers, _gauge("blockalloc_notification_oldest_waiting_seconds", text, oldest)]


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
