"""The computers of a class as their loads are planned. Instants are Unix seconds."""

from typing import NamedTuple


class Slot(NamedTuple):
    """When and on which management node the reload of a computer begins."""

    start: int
    node_id: int


class Job(NamedTuple):
    """A computer of the class, and what is known of its load.

    `nodes`: the management nodes that may load it, `host`: its VM host (id of the computer), `is_limited`: whether it
    counts for the limit of its node. Its load can't begin before `earliest` (0: at any time). `holds_image`: it needs
    no load. `begun`: its load has been at work since then, on the one node. `begins`: its load begins then, whatever is
    planned, on the one node; one without either is to be planned. `planned`: its slot so far, if it has one.
    """

    computer_id: int
    nodes: tuple[int, ...]
    host: int | None = None
    is_limited: bool = True
    earliest: int = 0
    holds_image: bool = False
    begun: int | None = None
    begins: int | None = None
    planned: Slot | None = None
