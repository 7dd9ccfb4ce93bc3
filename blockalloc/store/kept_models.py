"""Load models that are kept: in the database for some hours (VCL_LOAD_TIME_HOURS), and by keep_ready for some minutes.

A model counts for the image's production revision and `reloadtime` only. As with sums of loads (store.kept_loads), only
the transaction that holds the guard writes the table.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from django.conf import settings

from blockalloc.models import KeptLoadModel
from blockalloc.store import guard, times
from blockalloc.store.past import Past
from blockalloc.store.sql import Value, fetch, insert, listed_ids
from scheduling.load_time.model import LoadModel, Source
from scheduling.windows import DAY, HOUR, MINUTE

log = logging.getLogger(__name__)

_TABLE = KeptLoadModel._meta.db_table
_COLUMNS = ("image_id", "revision_id", "reload_minutes", "knots", "failing", "source", "loads", "failed", "learned")
_MINUTES = 10 * MINUTE  # for so long a model of hundreds of loads is as good as a new one


class Wanted(NamedTuple):
    """What a model is learned for, besides the image: the production revision, and `reloadtime` in minutes."""

    revision_id: int
    reload_minutes: int


class Kept(NamedTuple):
    """A model, what it was learned for, and when."""

    wanted: Wanted
    model: LoadModel
    learned: int

    def serves(self, wanted: Wanted, now: int, seconds: int) -> bool:
        """Whether it is no older, and not from the future, by a clock since set back."""
        return self.wanted == wanted and 0 <= now - self.learned < seconds


Models = dict[int, Kept]  # image -> its model
Learn = Callable[[Mapping[int, Wanted]], Mapping[int, LoadModel]]

_by_process: ContextVar[Models | None] = ContextVar("load_models", default=None)


@contextmanager
def keeping(models: Models) -> Iterator[None]:
    """Inside, models are kept in `models` for some minutes, and taken from there: for a process that plans often."""
    token = _by_process.set(models)
    try:
        yield
    finally:
        _by_process.reset(token)


def models(images: Mapping[int, Wanted], now: int, learn: Learn) -> dict[int, LoadModel]:
    """Image -> its model at `now` (Unix seconds): as it was kept, or as `learn` learns it."""
    by_process = _by_process.get()
    if by_process is None:
        return _of_database(images, now, learn)
    missing = {image: wanted for image, wanted in images.items() if not _has(by_process, image, wanted, now)}
    for image, model in _of_database(missing, now, learn).items():
        by_process[image] = Kept(images[image], model, now)
    return {image: by_process[image].model for image in images}


def _has(kept: Models, image: int, wanted: Wanted, now: int) -> bool:
    return image in kept and kept[image].serves(wanted, now, _MINUTES)


def _of_database(images: Mapping[int, Wanted], now: int, learn: Learn) -> dict[int, LoadModel]:
    hours = settings.VCL_LOAD_TIME_HOURS
    if not hours or not images:
        return dict(learn(images)) if images else {}
    fresh = {
        image: kept.model for image, kept in _read(images).items() if kept.serves(images[image], now, hours * HOUR)
    }
    if missing := {image: wanted for image, wanted in images.items() if image not in fresh}:
        new = learn(missing)
        if guard.is_held():
            _write({image: Kept(missing[image], model, now) for image, model in new.items()})
        fresh.update(new)
    return fresh


def _read(images: Mapping[int, Wanted]) -> Models:
    rows = fetch(f"SELECT {', '.join(_COLUMNS)} FROM {_TABLE} WHERE image_id IN ({listed_ids(sorted(images))})")
    kept: Models = {}
    for image, revision, minutes, knots, failing, source, loads, failed, learned in rows:
        try:
            pairs = [(float(share), float(seconds)) for share, seconds in json.loads(knots)]
            model = LoadModel(pairs, failing, Source(source), loads, failed)
        except (TypeError, ValueError):
            log.warning("the kept load model of image %d is damaged, and is not used", image)
            continue
        kept[image] = Kept(Wanted(revision, minutes), model, times.from_utc(learned) or 0)
    return kept


def _write(models: Models) -> None:
    rows: list[list[Value]] = []
    for image, (wanted, model, learned) in models.items():
        knots = json.dumps(model.knots)
        rest = (model.failing, model.source.value, model.loads, model.failed, times.to_utc(learned))
        rows.append([image, *wanted, knots, *rest])
    insert(_TABLE, _COLUMNS, rows, replace=True)


def past(now: int) -> Past:
    """Models that no call has learned anew though it would have had to, for a month: of images that nobody books."""
    return Past(_TABLE, "learned < %s", [times.to_utc(now - 30 * DAY)], since="learned", key="image_id")
