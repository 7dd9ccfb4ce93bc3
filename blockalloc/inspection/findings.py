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


# The kinds of computers that two have at the same hours.
TAKEN_TWICE = ("double_booking", "taken_by_other_class", "taken_meanwhile")

# In the order in which they are reported: what hurts a class first.
KINDS: Mapping[str, Kind] = {
    "schema_drift": Kind(
        "The tables differ from VCL's, or from ours",
        "Upgrade VCL's database with VCL's own update script; make our own tables with manage.py migrate.",
    ),
    "wrong_time_zone": Kind(
        "The configured time zone is not the one of VCL's rows",
        "Set VCL_TIME_ZONE to the time zone of VCL's front end (date_default_timezone_set in its conf.php) and of its "
        "management nodes, and restart the service. All times are off until then, those of other findings too.",
    ),
    "wrong_clock": Kind(
        "Clocks that differ",
        "Let all hosts follow a time server: chronyc tracking shows whether one does. Where the database server's "
        "local time is another one than the front end's, set its time zone (default_time_zone) to theirs.",
    ),
    "short_class": Kind(
        "Classes about to begin, or on, with fewer machines than they want",
        "Once the cause is gone: manage.py allocate_block --block-time N. One that was released on purpose stays here "
        "until it is over; skip it when it does not take place.",
    ),
    "double_booking": Kind(
        "Computers promised twice",
        "Move one of the two: remove the computer from a block time, or end the user's reservation in VCL.",
    ),
    "taken_by_other_class": Kind(
        "Computers of one class that a member of another class has",
        "Give the class that lost it another one: remove the computer from its block time, then: "
        "manage.py allocate_block --block-time N",
    ),
    "taken_meanwhile": Kind(
        "Computers that a user reserved in the very moment in which a class was given them",
        "Give the class another one: remove the computer from its block time, then: "
        "manage.py allocate_block --block-time N",
    ),
    "reload_overlap": Kind(
        "Computers in use in the time in which they are loaded for a class",
        "The computer may not be ready in time. Nothing to do when the class can begin without it for some minutes.",
    ),
    "no_reload": Kind(
        "Computers of a class to come that nobody will load",
        "Delete their rows in blockComputers, then: manage.py allocate_block --block-time N",
    ),
    "early_reload": Kind(
        "Reloads that management nodes begin 35 minutes early, whoever has the computer then",
        "Those marked * are set right by --repair. The others may have begun: see who uses the computer.",
    ),
    "partial_call": Kind(
        "Rows of an allocation that do not belong together",
        "Find out what wrote or removed them. Remove the half that is there, then: "
        "manage.py allocate_block --block-time N",
    ),
    "abandoned_reload": Kind(
        "Reloads of ours for classes that do not have the computer any more",
        "Those marked * are withdrawn by --repair. The others have begun or may have: the computer is loaded, and is "
        "free again afterwards.",
    ),
    "orphaned_reload": Kind(
        "Reloads that no class needs, or that no management node has taken",
        "Those marked * are deleted by --repair. A reload made just now may be half of a call: look again in ten "
        "minutes. One whose time is over: see whether its management node runs, then delete it in VCL.",
    ),
    "ended_block_time": Kind(
        "Block times that are over and were not cleared",
        "--repair clears them. Until then the back end works on them in every round for nothing, and a computer that "
        "they still hold can be loaded with their image instead of that of its next class. Clearing is the management "
        "node's work: see whether it runs.",
    ),
    "stuck_processing": Kind(
        "Block requests that are marked as being processed, and are not",
        "--repair takes the mark away. While it stands, no management node processes their block times.",
    ),
    "query_log": Kind(
        "A front end whose query log makes it lose its semaphores",
        "Set QUERYLOGGING to 0 in the front end's conf.php. Until then two users who reserve at the same moment can be "
        "given the same computer: with the log on, VCL's branch develop takes no notice of the semaphores that it "
        "takes. What is held for classes is safe, and VCL's releases are not concerned.",
    ),
    "load_limit": Kind(
        "Limits of loads at a time that are not in force",
        "Correct the row of VCL's table variable. Until then a management node loads as many computers by xCAT at a "
        "time as the other rows say, or 10, and a load that waits for half an hour fails.",
    ),
}
