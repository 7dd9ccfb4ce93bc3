"""What is varied: the site, its classes, their users, how loads go, and what goes wrong."""

import math
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from simulation.days.load_laws import Law, Uniform

ASKED_BEFORE = 360  # minutes before its start, in which VCL's back end asks for a class
LOADS_PER_HOST = 4  # at a time, by VCL_LOADS_PER_HOST as it is shipped
FREE = 1.25  # times the seats that are to be free when the service is called


class Trouble(StrEnum):
    """Something that goes wrong with a class, beside loads and users."""

    NONE = "none"
    AWAY = "away"  # the service cannot be reached while the back end asks
    DEAD_NODE = "dead-node"  # the first management node dies an hour before the start, for good
    MAINTENANCE = "maintenance"  # staff put two computers of the first class into maintenance, an hour before the start
    LATE = "late"  # the classes are made ten minutes before their start


class Rows(StrEnum):
    """Whose reload rows a day is played with, and whether classes are kept ready."""

    VCL = "VCL's own"  # policy `vcl`, reloads with `preload` 0, nothing kept
    OURS = "ours, not kept"  # policy `ready`, reloads with `preload` 1, nothing kept
    KEPT = "ours, kept"  # the same, and a pass of keep_ready each minute


class Past(StrEnum):
    """Past loads of the images, from which the service learns."""

    MANY = "many"  # 200 of each image, of half a year
    FEW = "few"  # six of each image
    NONE = "none"
    FASTER = "faster"  # 200 that took 0.7 times as long, and only the last 20 as long as loads take now


class Records(StrEnum):
    """Where past loads are on record."""

    LOG = "log"  # VCL's log
    SEEN = "seen"  # blockalloc_seen_load
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of day. There are so many `classes` at the same hour with `seats` each, of the same image or, with
    `own_images`, each of its own.

    `users`: share of the computers that others than the classes have on average; `loaded`: share of the computers that
    hold the images of the classes in the morning, `wanted`: share of the others who want them, too; `failing`: share
    of the loads.

    `limit`: how many loads a management node runs at a time. `load_minutes`: of any image, on average; `law` is how
    they vary. `past`, `records`: the past loads that are known, and where. `vm_hosts`: 0 for blades, else the computers
    are virtual machines on so many hosts. The day is played from `minutes_before` the start; the back end asks for a
    class six hours before it, or at once.
    """

    seats: int = 30
    computers: int = 80
    users: float = 0.3
    failing: float = 0.02
    nodes: int = 1
    limit: int = 10
    classes: int = 1
    own_images: bool = False
    load_minutes: float = 10.0
    law: Law = field(default_factory=Uniform)
    past: Past = Past.MANY
    records: Records = Records.LOG
    loaded: float = 0.15
    wanted: float = 0.05
    vm_hosts: int = 0
    minutes_before: int = 380
    trouble: Trouble = Trouble.NONE

    @property
    def all_seats(self) -> int:
        """The seats of all classes."""
        return self.classes * self.seats

    @property
    def name(self) -> str:
        """A name without blanks, which no other kind has."""
        parts = [f"{self.classes}x{self.seats}{'-own-images' * (self.own_images and self.classes > 1)}"]
        parts.append(f"of{self.computers}-users{self.users:g}-loaded{self.loaded:g}-failing{self.failing:g}")
        parts.append(f"vm{self.vm_hosts}" if self.vm_hosts else f"nodes{self.nodes}x{self.limit}")
        parts.append(f"{self.law}".replace(" ", "-"))
        plain = Cell()
        for each, text in (
            ("load_minutes", "{:g}min"), ("past", "past-{}"), ("records", "records-{}"), ("wanted", "wanted{:g}"),
            ("minutes_before", "{}before"), ("trouble", "{}"),
        ):  # fmt: skip
            value = getattr(self, each)
            parts += [text.format(value)] if value != getattr(plain, each) else []
        if self.vm_hosts and self.nodes > 1:
            parts.append(f"nodes{self.nodes}")
        return "-".join(parts)

    def __str__(self) -> str:
        parts = [f"{self.seats} seats of {self.computers} computers"]
        if self.classes > 1:
            images = "with images of their own" if self.own_images else "with the same image"
            parts = [f"{self.classes} classes {images}, {self.seats} seats each, of {self.computers} computers"]
        parts.append(f"users on {self.users:.0%}")
        parts.append(f"one load in {1 / self.failing:.0f} fails" if self.failing else "no load fails")
        parts.append(f"{self.nodes} node{'s' * (self.nodes > 1)}, {self.limit} loads at a time")
        if self.vm_hosts:
            parts.append(f"virtual machines on {self.vm_hosts} hosts")
        parts.append(f"loads of {self.load_minutes:g} minutes, {self.law}")
        if self.loaded != _LOADED:
            parts.append(f"{self.loaded:.0%} loaded already")
        if self.past is not Past.MANY or self.records is not Records.LOG:
            parts.append(f"past loads: {self.past.value}, on record in: {self.records.value}")
        if self.minutes_before < ASKED_BEFORE:
            parts.append(f"asked for {self.minutes_before} minutes before")
        if self.trouble is not Trouble.NONE:
            parts.append(self.trouble.value)
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """All of it, with its name; the law as text."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"name": self.name, "text": str(self), **values, "law": str(self.law)}

    def fitted(self) -> "Cell":
        """The same with so many computers that `FREE` times the seats are mostly free when the service is called.

        On average `users` of the computers are not free; their number varies like Poisson's, and of that two standard
        deviations are added.
        """
        computers = math.ceil(FREE * self.all_seats / (1 - self.users))
        return replace(self, computers=computers + math.ceil(2 * math.sqrt(self.users * computers)) + 1)

    def why_left_out(self) -> str:
        """Why a plan can't be judged by such days: the loads don't fit into half of the time; "" when they do.

        The time is that of all places for loads, from the call to the start; with a node that dies an hour before, that
        of the others in the last hour.
        """
        free = self.computers * (1 - self.users)
        if free < FREE * self.all_seats:
            return (
                f"only about {free:.0f} computers are free for {self.all_seats} seats: fewer than {FREE} times as many"
            )
        minutes, nodes = min(self.minutes_before, ASKED_BEFORE), self.nodes
        if self.trouble is Trouble.DEAD_NODE and minutes <= 60:
            return "the node from which VCL asks for the classes dies before it asks"
        if self.trouble is Trouble.LATE:
            minutes = min(minutes, 10)
        elif self.trouble is Trouble.DEAD_NODE:
            minutes, nodes = min(minutes, 60), nodes - 1
        places = LOADS_PER_HOST * self.vm_hosts if self.vm_hosts else nodes * self.limit
        loads = max(0.0, self.all_seats - self.loaded * free)
        if loads * self.load_minutes > places * minutes / 2:
            needed, time = loads * self.load_minutes, places * minutes
            return f"loads of about {needed:.0f} minutes together don't fit into half of the {time} that places have"
        return ""


_LOADED = Cell().loaded
