"""Every refusal of a call: its number (SPEC 2.1), our text, and VCL's own text where VCL has one."""

from collections.abc import Sequence

from django.conf import settings

from blockalloc.contract.messages import Refusal

START, EXPIRED, END = 4, 9, 36
CONTRADICTION, SKIPPED, NOT_ACCEPTED, KEY_REUSED, BUSY, INTERNAL = 201, 202, 203, 204, 205, 206


def not_a_block_time(name: str) -> Refusal:
    """77: the block time is not a number."""
    return Refusal(77, f"{name}: not a whole number: give the id of a block time", "Invalid blockTimesid specified")


def bad_flag(name: str) -> Refusal:
    """86: not a flag."""
    return Refusal(86, f"{name}: must be 0 or 1", "ignoreprivileges must be 0 or 1")


def bad_machines(name: str, given: int | None, right: str) -> Refusal:
    """64: an invalid number of machines."""
    low, high = settings.VCL_MIN_BLOCK_MACHINES, settings.VCL_MAX_BLOCK_MACHINES
    answer = f"The submitted number of seats must be between {low} and {high}."
    return Refusal(64, f"{name}: {_shown(given)}: give a whole number {right}", answer)


def unknown_block_time(name: str, given: int) -> Refusal:
    """8: no such block time."""
    return Refusal(8, f"{name}: there is no block time {given}", "unknown blockTimesid")


def skipped(name: str, given: int) -> Refusal:
    """202: the block time is marked skip."""
    return Refusal(SKIPPED, f"{name}: block time {given} is marked to be skipped: undo that first (Do not skip)")


def skipped_already(given: int) -> Refusal:
    """202: staff skip a block time that is skipped already."""
    return Refusal(SKIPPED, f"blockTimeid: block time {given} is marked to be skipped already")


def not_skipped(given: int) -> Refusal:
    """202: staff unskip a block time that takes place."""
    return Refusal(SKIPPED, f"blockTimeid: block time {given} is not marked to be skipped")


def not_accepted(name: str, given: int, status: str) -> Refusal:
    """203: the block request is not accepted."""
    text = f"{name}: the block request of block time {given} is {status}: only accepted ones are processed"
    return Refusal(NOT_ACCEPTED, text)


def expired(name: str, given: int, when: str) -> Refusal:
    """9: the block request expired."""
    text = f"{name}: the block request of block time {given} expired at {when}"
    return Refusal(EXPIRED, text, "expired block allocation")


def unknown_image(name: str, given: int | None) -> Refusal:
    """10: no such image, or a deleted one."""
    text = f"{name}: {_shown(given)}: give the id of an image that exists and is not deleted"
    return Refusal(10, text, "unknown or deleted image")


def no_production_revision(name: str, image_id: int, image_name: str) -> Refusal:
    """10: an image that can't be loaded."""
    text = (
        f"{name}: image {image_id} ({image_name}) has no production revision or is deleted: make one of its "
        "revisions the production revision"
    )
    return Refusal(10, text, f"image {image_id} has no production revision")


def no_access_to_image(given: str) -> Refusal:
    """3: the calling account may not use the image (five and six parameters only)."""
    return Refusal(3, f"imageid: access denied to {given}", f"access denied to {given}")


def bad_time(code: int, name: str, given: object, right: str) -> Refusal:
    """4 or 36: an invalid start or end."""
    return Refusal(code, f"{name}: {_shown(given)}: give {right}", f"received invalid input for {name}")


def no_such_group(name: str, given: int | None) -> Refusal:
    """67: no such user group."""
    text = f"{name}: {_shown(given)}: give the id of a user group that exists"
    return Refusal(67, text, "Submitted user group does not exist")


def no_members(group_id: int | None) -> Refusal:
    """11: privileges count, and there is nobody to hold them."""
    who = "there is no user group" if group_id is None else f"user group {group_id} has no members"
    text = f"usergroupid: {who}, and privileges count: add members or ignore privileges"
    return Refusal(11, text, "empty user group and ignoreprivileges set to 0")


def no_management_node() -> Refusal:
    """12: there is no management node for a new block."""
    text = "blockTimeid: no management node has checked in within the last hour to handle a new block"
    return Refusal(12, text, "could not allocate a management node to handle block allocation")


def contradiction(block_time_id: int, differing: Sequence[tuple[str, object, object]]) -> Refusal:
    """201: parameters that differ from the rows of the block time."""
    differences = "; ".join(f"{name}: given {given}, stored {stored}" for name, given, stored in differing)
    return Refusal(CONTRADICTION, f"{differences} (block time {block_time_id})")


def key_reused(key: str) -> Refusal:
    """204: an idempotency key that was used for another call."""
    text = (
        f"X-Idempotency-Key: {key!r} was used with other parameters, or by an earlier version of this service: "
        "a new call needs a new key"
    )
    return Refusal(KEY_REUSED, text)


def key_too_long(length: int, most: int) -> Refusal:
    """204: an idempotency key that is too long to be stored."""
    return Refusal(KEY_REUSED, f"X-Idempotency-Key: {length} characters, at most {most} are allowed")


def busy() -> Refusal:
    """205: another call had the guard for too long."""
    return Refusal(BUSY, "busy: another allocation is being made, try again; nothing was written")


def _shown(given: object) -> str:
    return "not a whole number" if given is None else str(given)
