"""What every rule says of one computer for one block time."""

from dataclasses import dataclass

from scheduling.choice import GRANTED
from scheduling.concurrency import ConcurrentUse
from scheduling.facts import Block, Computer, Image, Member, Site
from scheduling.host_memory import HostMemory
from scheduling.occupancy import Occupancy
from scheduling.plan import Plan
from scheduling.pool import Fit, Pool
from scheduling.privileges import Privileges
from scheduling.reasons import Reason
from scheduling.reload_plan import staggered
from scheduling.rules import LiveNodes, reasons_against, terms_of


@dataclass(frozen=True, slots=True)
class ForImage:
    """What the rules say of a computer for one image of the block: all reasons against it, in the order of the rules.

    `rank` is its number among the `candidates`, the computers that may run the image at all: 1 for the first choice,
    0 for a computer that is none of them. `granted_to` members of `members` may use it; both are 0 when privileges are
    ignored.
    """

    image: Image
    against: tuple[Reason, ...]
    rank: int
    candidates: int
    granted_to: int
    members: int


def judge(site: Site, block: Block, computer: Computer, plan: Plan, *, ignore_privileges: bool) -> list[ForImage]:
    """All rules for each different image of the block, over the window of the first machine.

    Computers that the plan takes do not count: memory of VM hosts and use of the image are as before the call.
    """
    adopted = {one.computer.id: each.adopted_request for each in plan.machines for one in each.assignments}
    request = adopted.get(computer.id)
    return [
        _for_image(site, block, computer, image, plan.load_seconds, request, ignore_privileges=ignore_privileges)
        for image in dict.fromkeys(block.images)
    ]


def _for_image(
    site: Site, block: Block, computer: Computer, image: Image, load_seconds: int, adopted_request: int | None,
    *, ignore_privileges: bool,
) -> ForImage:  # fmt: skip
    start, end = staggered(block.start, load_seconds, 0).start, block.end
    nodes = LiveNodes(site)
    pool = Pool(image, site.computers, Fit(image, site, nodes))
    privileges = Privileges(site.privileges)
    members = () if ignore_privileges else site.members
    groups = site.groups_of(computer.id)
    granted = [
        member
        for member in members
        if computer.owner_id == member.id or not groups.isdisjoint(privileges.granted_groups(member))
    ]
    occupancy = Occupancy(site, block.block_time_id)
    on_behalf_of = members or (Member(site.caller_id, "the calling account", frozenset()),)
    use = ConcurrentUse(site, block, ignore_privileges=ignore_privileges)
    limits = [use.reason_against(image, start, end, member, adopted_request) for member in on_behalf_of]
    reasons = [
        *reasons_against(computer, terms_of(image, site), nodes),
        occupancy.maintenance(start, end),
        # A limit excludes it if it is reached for all of them: blocks of a member's own groups do not count for them.
        limits[0] if all(limits) else None,
        None if granted or ignore_privileges else _not_granted(len(members)),
        *occupancy.reasons_against(computer, start, end, adopted_request),
        HostMemory(site).reason_against(computer, image, start, end),
    ]
    ranks = {candidate.id: rank for rank, candidate in enumerate(pool.in_order(), 1)}
    return ForImage(
        image, tuple(filter(None, reasons)), ranks.get(computer.id, 0), len(ranks), len(granted), len(members)
    )


def _not_granted(members: int) -> Reason:
    return Reason(GRANTED, "not granted to any of the {} members of the group", (members,))
