"""Policy `ready` and the rows that its plans rest on, for tests of the pure core: see `facts`."""

from collections.abc import Mapping
from typing import Any

from scheduling.facts import Reservation
from scheduling.load_time.model import LoadModel
from scheduling.reloads.places import Capacity, OtherLoad, Places
from scheduling.reloads.policy import ReadyPolicy
from scheduling.state_ids import PENDING, RELOAD
from tests.support.load_laws import log_normal
from tests.support.sites.facts import HOUR, IMAGE, MINUTE, NOW, RELOAD_USER, START, own_reload_id, reservation

MODEL = log_normal()  # loads of ten minutes that never fail
TARGET = 0.95


def ready(
    limits: Mapping[int, int] | None = None, *others: OtherLoad, model: LoadModel = MODEL, is_mended: bool = True,
    **changes: Any,
) -> ReadyPolicy:  # fmt: skip
    """A policy for nodes that load so many computers at a time: by default node 1 loads ten, others any number."""
    capacity = Capacity({1: 10} if limits is None else limits)
    return ReadyPolicy(model, Places(capacity, others), changes.pop("target", TARGET), is_mended=is_mended, **changes)


def own_reload(computer_id: int = 1, lead: int = 25, **changes: Any) -> Reservation:
    """The reload of a computer that the block time has, which begins so many minutes before the start and waits."""
    waiting = {"state_id": RELOAD, "last_state_id": RELOAD, "user_id": RELOAD_USER, "image_id": IMAGE}
    row = {"request_id": own_reload_id(computer_id), **waiting, **changes}
    return reservation(computer_id, START - lead * MINUTE, START, **row)


def at_work(computer_id: int = 1, begun: int = NOW - 3 * MINUTE, **changes: Any) -> Reservation:
    """A reload that the back end has begun; by default the block time's own."""
    return own_reload(computer_id, **{"state_id": PENDING, **changes})._replace(start=begun)


def user_until(lead: int, computer_id: int = 1, **changes: Any) -> Reservation:
    """A stranger who has a computer until so many minutes before the start."""
    return reservation(computer_id, NOW - HOUR, START - lead * MINUTE, **changes)
