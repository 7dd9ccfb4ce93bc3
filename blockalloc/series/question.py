"""What a plan of a series is asked for, and whether that is in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from blockalloc.allocation.validation import flag_of, must_be_usable, possible_id
from blockalloc.contract import refusals
from blockalloc.models import BlockRequest
from blockalloc.series import dates, requested
from blockalloc.series.dates import Date
from blockalloc.store import rows
from scheduling.facts import Block, Image


@dataclass(frozen=True, slots=True)
class Question:
    """Is a series of these dates possible? A value that could not be read is None, and is refused in its turn.

    `user_group_id` is 0 for none; when privileges count one is needed. `block_request_id`: the request that awaits its
    decision, 0 for a series that nobody has asked for; its number of machines is right as it is, whatever the limits of
    our calls. `machines_name` and `dates_name`: what the caller calls the number of machines and the dates.
    """

    image_id: int | None
    machines: int | None
    user_group_id: int | None  # 0: none
    ignore_privileges: bool | None
    dates: Sequence[Date]
    block_request_id: int = 0
    name: str = ""  # of the block request
    machines_name: str = "machinecount"
    dates_name: str = "dates"


@dataclass(frozen=True, slots=True)
class Wish:
    """A question that is in order: what each date wants. `group` is the user group's name, "" without one."""

    images: Sequence[Image]
    machines: int
    group_id: int | None
    group: str
    ignore_privileges: bool
    dates: Sequence[Date]

    def block(self, date: Date) -> Block:
        """A date as a block time that is not there yet."""
        return Block(0, date.start, date.end, self.group_id, self.images, self.machines)


def of_request(request: BlockRequest) -> Question:
    """The question of a block request that awaits its decision. Raises Refusal.

    Privileges do not count: VCL's back end ignores them when it asks for the computers of a block time.
    """
    asked = requested.dates_of(request)
    return Question(
        request.image_id, request.numMachines, request.group_id or 0, True, asked, request.pk, request.name,
        dates_name=f"block request {request.pk}",
    )  # fmt: skip


def check(question: Question, now: int) -> Wish:
    """The question, if it is in order: one statement. Raises Refusal.

    Checked in this order: image (10), machines (64), user group (67), flag (86), dates (4, 36). Whether the group has
    members (11) is known when the facts are read.
    """
    images, group = _image_and_group(question)
    low, high = settings.VCL_MIN_BLOCK_MACHINES, settings.VCL_MAX_BLOCK_MACHINES
    if question.machines is None or not (low <= question.machines <= high or question.block_request_id):
        raise refusals.bad_machines(question.machines_name, question.machines, f"from {low} to {high}")
    if question.user_group_id != 0 and group[0] is None:
        raise refusals.no_such_group("usergroupid", question.user_group_id)
    ignore_privileges = flag_of(question.ignore_privileges)
    asked = dates.check(question.dates, now, question.dates_name)
    if not (ignore_privileges or group[0]):
        raise refusals.no_members(None)
    return Wish(images, question.machines, group[0], group[1], ignore_privileges, asked)


def _image_and_group(question: Question) -> tuple[list[Image], tuple[int | None, str]]:
    """The images of a machine, and id and name of the user group, (None, "") without one. Raises Refusal."""
    found, row = rows.for_new_block(possible_id(question.image_id), possible_id(question.user_group_id), 0)
    must_be_usable(found, question.image_id, "imageid")
    return [each.image for each in found], (row.group_id, row.group_name)
