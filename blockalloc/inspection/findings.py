"""What an inspection finds: the kinds of disorder, and what staff can do about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be.

    `subject` names the rows that it is about by their ids (numbers, texts or lists of them, so that it can be written
    as JSON); `text` is one line for people. `repairable`: `inspection.repair` can put it right.
    """

    kind: str
    subject: Mapping[str, Any]
    text: str
    repairable: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: a heading, and what to do about those that are not repaired."""

    heading: str
    advice: str


# In the order in which they are told: what hurts a class first.
KINDS: Mapping[str, Kind] = {
    "schema_drift": Kind(
        "The tables differ from VCL 2.5's, or from ours",
        "Upgrade VCL's database with VCL's own update script; make our own tables with manage.py migrate.",
    ),
    "double_booking": Kind(
        "Computers promised twice",
        "Move one of the two: remove the computer from a block time, or end the user's reservation in VCL.",
    ),
    "reload_overlap": Kind(
        "Computers in use while they have to be loaded for a class",
        "The computer may not be ready in time. Nothing to do when the class can begin without it for some minutes.",
    ),
    "no_reload": Kind(
        "Computers of a class to come that nobody will load",
        "Delete their rows in blockComputers, then: manage.py allocate_block --block-time N",
    ),
    "partial_call": Kind(
        "Rows of an allocation that do not belong together",
        "Find out what wrote or removed them. Remove the half that is there, then: "
        "manage.py allocate_block --block-time N",
    ),
    "orphaned_reload": Kind(
        "Reloads that no class needs, or that no management node has taken",
        "Those marked * are deleted by --repair. A reload made just now may be half of a call: look again in ten "
        "minutes. One whose time is over: see whether its management node runs, then delete it in VCL.",
    ),
    "stale_block_computer": Kind(
        "Computers still held for classes that are over",
        "--repair deletes these rows. It is the management node's work: see whether it runs.",
    ),
    "stuck_processing": Kind(
        "Block requests that are marked as being processed, and are not",
        "--repair takes the mark away. While it stands, no management node processes their block times.",
    ),
}
