"""Calls and their outcomes: the types between every door and the service.

A parameter that could not be read is None. The service refuses it at its place in the order of
checks (SPEC 2.1, 2.2), so that a call with several faults is answered as VCL answers it.
"""

from dataclasses import dataclass
from typing import Literal

from scheduling.reloads.outlook import Outlook

# Warnings of SPEC section 6, with VCL's own texts.
WARNING_LATE = (13, "possibly insufficient time to load machines")
WARNING_NOTHING_ALLOCATED = (14, "unable to allocate any machines")


# The methods with which a back end asks for the machines of a block time (SPEC 2.1, 2.2).
_METHODS_OF_BACK_ENDS = frozenset({"XMLRPCprocessBlockTime", "XMLRPCblockAllocation"})


class Refusal(Exception):
    """The call is refused and nothing was written.

    `code` is the fault or error number of SPEC 2.1, `text` begins with the parameter's name and
    says what was wrong and what would be right. `vcl_text` is VCL's own text for that error where
    VCL has one: the struct methods of VCL 2.x give it.
    """

    def __init__(self, code: int, text: str, vcl_text: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.vcl_text = vcl_text or text


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a call is made (a row of VCL's `user`), and through which door it came."""

    user_id: int
    name: str  # "vclsystem@Local"
    address: str = ""  # IP address of the client, "" for the shell
    door: str = ""  # XML-RPC method or command
    person: str = ""  # the person at the keyboard, if known: a staff account, a login name of the shell

    @property
    def is_back_end(self) -> bool:
        """Whether it came over XML-RPC, as calls of VCL's back end do."""
        return self.door in _METHODS_OF_BACK_ENDS


@dataclass(frozen=True, slots=True)
class BlockAllocationCall:
    """The seven parameters of XMLRPCblockAllocation (SPEC 2.1); start and end are Unix seconds."""

    image_id: int | None
    start: int | None
    end: int | None
    machines: int | None
    user_group_id: int | None
    ignore_privileges: bool | None
    block_time_id: int | None
    idempotency_key: str | None = None

    def parameters(self) -> dict[str, object]:
        """The caller's values, by the parameter names of SPEC 2.1, in their order."""
        return {**_parameters_of_block(self), "blockTimeid": self.block_time_id, "key": self.idempotency_key}


@dataclass(frozen=True, slots=True)
class FillCall:
    """Fill a block time: to the machines of its request, or to `machines` (SPEC 2.2, XMLRPCprocessBlockTime).

    Image, start, end (Unix seconds) and user group may be stated, and must then agree with the rows (SPEC 2.1).
    `id_name` is the caller's name for the block time's id.
    """

    block_time_id: int | None
    ignore_privileges: bool | None
    machines: int | None = None
    image_id: int | None = None
    start: int | None = None
    end: int | None = None
    user_group_id: int | None = None
    id_name: str = "blockTimeid"

    def parameters(self) -> dict[str, object]:
        """The caller's values, by the parameter names of SPEC 2.1."""
        stated = {name: value for name, value in _parameters_of_block(self).items() if value is not None}
        return {"blockTimeid": self.block_time_id, "ignoreprivileges": self.ignore_privileges, **stated}


@dataclass(frozen=True, slots=True)
class NewBlockCall:
    """The five or six parameters of XMLRPCblockAllocation (SPEC 2.2); start and end are Unix seconds.

    `image_text` is the image as the caller wrote it: VCL repeats it in its error text.
    """

    image_id: int | None
    image_text: str
    start: int | None
    end: int | None
    machines: int | None
    user_group_id: int | None
    ignore_privileges: bool | None

    def parameters(self) -> dict[str, object]:
        """The caller's values, by the parameter names of SPEC 2.1, in their order."""
        return _parameters_of_block(self)


Call = BlockAllocationCall | FillCall | NewBlockCall


def _parameters_of_block(call: Call) -> dict[str, object]:
    return {
        "imageid": call.image_id,
        "start": call.start,
        "end": call.end,
        "machinecount": call.machines,
        "usergroupid": call.user_group_id,
        "ignoreprivileges": call.ignore_privileges,
    }


Status = Literal["success", "warning", "completed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state of a block time after a call.

    It has `allocated` of the machines wanted, `unallocated` are still missing (machines, not computers:
    a cluster counts once). `warning` is (13 or 14, text) of SPEC section 6. `completed` means
    that no machine was missing before the call. `block_time_id` is 0 when no rows were kept. `outlook`: how sure it is
    that what is there will be ready, under policy `ready`.
    """

    status: Status
    allocated: int
    unallocated: int
    block_time_id: int
    warning: tuple[int, str] | None = None
    outlook: Outlook | None = None
