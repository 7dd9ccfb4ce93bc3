"""A plan: which computers a block time gets, when they are reloaded, and why others were excluded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scheduling import funnel
from scheduling.facts import Computer, Image, ManagementNode, Member
from scheduling.reasons import Reason
from scheduling.reload_plan import Moved, Window
from scheduling.reloads.exchange import Guide
from scheduling.reloads.outlook import Outlook

NOT_NEEDED = Reason(funnel.NOT_NEEDED, "not needed: enough machines were found before its turn")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One computer of a machine, the image that it will run, the node that loads it."""

    computer: Computer
    image: Image
    management_node: ManagementNode

    @property
    def already_loaded(self) -> bool:
        """Whether the computer has the image's production revision loaded now."""
        return self.computer.revision_id == self.image.revision_id


@dataclass(frozen=True, slots=True)
class Machine:
    """What one student gets: a computer, or the computers of a cluster, with one reload request."""

    assignments: tuple[Assignment, ...]
    reload: Window
    member: Member  # on whose behalf it is taken
    adopted_request: int | None = None  # the member's own reservation that joins the block


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call does for a block time.

    The block time has `had_before` whole machines before the call and `allocated` after it, never more than `wanted`.
    `late` is the condition of warning 13. `stopped_by` is why the plan ended when machines are missing; `excluded` has
    a reason for each computer that was judged and not chosen. `again`: reloads of computers that the block time has;
    `not_loaded`: why others of its computers, which lack the image, get none: they don't count as machines. `moved`:
    reloads of its computers that are to begin at another time. `outlook`: how sure it is that the class is ready. The
    last `spares` of the machines are spares: more than wanted, so that the class is sure enough. `guide`: what
    keep_ready goes by until the next plan; None under policy `vcl`, whose rules need no plan.
    """

    machines: Sequence[Machine]
    had_before: int
    allocated: int
    wanted: int
    load_seconds: int
    late: bool
    stopped_by: Reason | None
    excluded: Mapping[int, Reason]
    again: Sequence[Machine] = ()
    not_loaded: Mapping[int, Reason] = field(default_factory=dict)
    moved: Sequence[Moved] = ()
    outlook: Outlook | None = None
    guide: Guide | None = None
    spares: int = 0

    @property
    def default_reason(self) -> Reason:
        """The reason given for computers that have none of their own."""
        return self.stopped_by or NOT_NEEDED
