"""Options that say which block a command is about, and their errors."""

import getpass
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.db import Error

from blockalloc.contract.messages import BlockAllocationCall, FillCall, Refusal
from blockalloc.models.lookup import LookupProblem, image_by_name_or_id, user_group_by_name_or_id
from blockalloc.site_time import local_to_instant

_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_DIGITS = 18  # more than any Unix time has; Python reads no numbers of any length
_BAD_INPUT = 2  # exit status


class BadInput(Exception):
    """An option that is missing or cannot be read; the text says what would be right."""


PROBLEMS = (Refusal, BadInput, LookupProblem, LookupError, Error)


def as_command_error(problem: Exception) -> CommandError:
    """The error with which the command ends: exit status 2, nothing was done."""
    text = str(problem)
    if isinstance(problem, Refusal):
        text = f"{problem.text} (error {problem.code})"
    elif isinstance(problem, Error):
        text = f"the database does not answer as VCL's: {problem}"
    return CommandError(text, returncode=_BAD_INPUT)


def login() -> str:
    """The login name of the user who runs the command; "" when the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user without a name
        return ""


def add_call_arguments(parser: ArgumentParser) -> None:
    """Declare the options of a call."""
    parser.add_argument("--image", metavar="IMAGE", help='image, by name or id: "Ubuntu 22.04"')
    parser.add_argument(
        "--group", metavar="GROUP", help="user group whose privileges count: name@affiliation, a unique name, or id"
    )
    parser.add_argument(
        "--start", metavar="TIME", help='start of the class: "2026-11-30 09:00" (site time), or Unix seconds'
    )
    parser.add_argument("--end", metavar="TIME", help="end of the class, in the same forms")
    parser.add_argument("--machines", metavar="N", type=int, help="number of machines that the class should have")
    parser.add_argument(
        "--block-time",
        metavar="ID",
        type=int,
        default=0,
        help="id of a class (VCL's block time): all the rest can be left out",
    )
    parser.add_argument("--ignore-privileges", action="store_true", help="use any computer that can run the image")


def call_from(options: Mapping[str, Any]) -> BlockAllocationCall | FillCall:
    """The call that the options describe. With a block time no other option is needed: its rows have the values.

    Raises BadInput and LookupProblem.
    """
    values = {name: read(options[name]) for name, read in _READERS.items() if options[name] is not None}
    ignore_privileges = options["ignore_privileges"]
    if options["block_time"]:
        return FillCall(
            block_time_id=options["block_time"],
            ignore_privileges=ignore_privileges,
            machines=values.get("machines"),
            image_id=values.get("image"),
            start=values.get("start"),
            end=values.get("end"),
            user_group_id=None if ignore_privileges else values.get("group"),
            id_name="--block-time",
        )
    if ignore_privileges:
        values.setdefault("group", 0)
    missing = [f"--{name}" for name in _READERS if name not in values]
    if missing:
        raise BadInput(f"missing: {', '.join(missing)} (or --block-time, whose rows have all of them)")
    return BlockAllocationCall(
        image_id=values["image"],
        start=values["start"],
        end=values["end"],
        machines=values["machines"],
        user_group_id=values["group"],
        ignore_privileges=ignore_privileges,
        block_time_id=0,
    )


def _seconds(text: str) -> int:
    """Unix seconds of a text with a site time or with Unix seconds."""
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return int(text)
    for form in _FORMATS:
        try:
            return int(local_to_instant(datetime.strptime(text, form)).timestamp())
        except (ValueError, OverflowError):  # another form; or a time at the ends of the calendar
            continue
    raise BadInput(f"{text!r} is not a time: write 2026-11-30 09:00 (site time) or Unix seconds")


_READERS: Mapping[str, Callable[[Any], int]] = {
    "image": lambda text: image_by_name_or_id(text).id,
    "group": lambda text: user_group_by_name_or_id(text).id,
    "start": _seconds,
    "end": _seconds,
    "machines": int,
}
