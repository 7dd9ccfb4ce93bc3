"""From all computers of a site to those of a block time: how many each rule leaves over."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

NOT_NEEDED, GIVEN_UP = "not_needed", "given_up"

# The rules in the order in which staff read them, each with words for the computers that it leaves over; with "not"
# before them, for the computers that it excludes.
STAGES: Mapping[str, str] = {
    "not_deleted": "in service",
    "has_schedule": "on a schedule",
    "platform": "of the image's platform",
    "memory": "equipped with enough memory",
    "processors": "equipped with enough processors",
    "speed": "fast enough",
    "network": "on a network fast enough",
    "usable_state": "in a usable state",
    "on_a_host": "on a VM host, if virtual",
    "provisioning": "loadable by their provisioning engine",
    "mapped": "mapped to the image",
    "management_node": "served by a live management node",
    "maintenance": "outside of site maintenance",
    "concurrent_use": "within the image's limit of concurrent use",
    "granted": "granted to the user group",
    "schedule": "open at that time",
    "free_now": "not in use now",
    "reservation": "free of reservations",
    "other_block": "free of other classes",
    "orphaned_reload": "free of reloads that no class needs",
    "semaphore": "not being reserved at this moment",
    "host_state": "on a VM host that is ready",
    "host_memory": "on a VM host with memory left",
    "own": "new to the class",
    GIVEN_UP: "expected to be ready in time",
    "no_computer": "of whole clusters",
    "no_time": "looked at once more",
    NOT_NEEDED: "in the class",
}

# Those before this one ask whether a computer can run the image, from it on whether it is free then.
_FIRST_ABOUT_TIME = "schedule"
_ABOUT_COMPUTERS = frozenset([*STAGES][: [*STAGES].index(_FIRST_ABOUT_TIME)])


class Stage(NamedTuple):
    """What one rule left over: `left` computers, after it excluded `lost`."""

    rule: str
    label: str
    left: int
    lost: int


def funnel(computers: int, lost: Mapping[str, int]) -> list[Stage]:
    """The stages from all `computers` down; `lost` is how many each rule excluded. Rules without any have no stage."""
    return list(_stages(computers, lost))


def is_about_time(rule: str) -> bool:
    """Whether a rule asks if a computer is free at the time, and not if it can run the image at all."""
    return rule not in _ABOUT_COMPUTERS


def able(computers: int, lost: Mapping[str, int]) -> int:
    """How many of all `computers` can run the image and may be used for it, whoever has them at the time."""
    return computers - sum(number for rule, number in lost.items() if not is_about_time(rule))


def _stages(computers: int, lost: Mapping[str, int]) -> Iterator[Stage]:
    left = computers
    for rule in [*STAGES, *sorted(lost.keys() - STAGES.keys())]:
        if lost.get(rule):
            left -= lost[rule]
            yield Stage(rule, STAGES.get(rule, rule), left, lost[rule])
