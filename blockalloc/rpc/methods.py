"""The methods that a VCL back end calls: read the parameters, call the service, word the answer."""

from dataclasses import asdict

from modernrpc.exceptions import RPC_INVALID_PARAMS, RPCException, RPCMethodNotFound

from blockalloc.allocation import service
from blockalloc.allocation.explanation import Remedies
from blockalloc.allocation.service import Allocation
from blockalloc.contract.messages import BlockAllocationCall, NewBlockCall, Outcome
from blockalloc.rpc.arguments import flag, local_seconds, text, whole_number
from blockalloc.rpc.dispatch import Arguments, CallContext, Form, Method, build_server
from blockalloc.web.front_end import passing_on

LONGEST_ECHO = 100  # characters of what the caller wrote, when an error repeats them

Struct = dict[str, object]

_LAST_SECOND = 2**31 - 1  # the largest <int>


# --- Block allocations ------------------------------------------------------------------------
def _allocate(arguments: Arguments, context: CallContext) -> object:
    return service.allocate_block(_seven_parameters(arguments, context), context.caller)


def _explain(arguments: Arguments, context: CallContext) -> object:
    call = _seven_parameters(arguments, context)
    return explanation_struct(service.dry_run(call, context.caller))


def _seven_parameters(arguments: Arguments, context: CallContext) -> BlockAllocationCall:
    image, start, end, machines, group, ignore_privileges, block_time = arguments
    block_time_id = whole_number(block_time)
    return BlockAllocationCall(
        image_id=whole_number(image),
        start=whole_number(start),
        end=whole_number(end),
        machines=whole_number(machines),
        user_group_id=whole_number(group),
        ignore_privileges=flag(ignore_privileges),
        block_time_id=block_time_id,
        idempotency_key=(context.idempotency_key or None) if block_time_id == 0 else None,
    )


def _create(arguments: Arguments, context: CallContext) -> object:
    image, start, end, machines, group, *more = arguments
    call = NewBlockCall(
        image_id=whole_number(image),
        image_text=(text(image) or "")[:LONGEST_ECHO],
        start=local_seconds(start),
        end=local_seconds(end),
        machines=whole_number(machines),
        user_group_id=whole_number(group),
        ignore_privileges=flag(more[0]) if more else False,
    )
    outcome = service.create_block(call, context.caller)
    return {**_struct(outcome), "blockTimesid": outcome.block_time_id}


def _process(arguments: Arguments, context: CallContext) -> object:
    block_time, *more = arguments
    ignore_privileges = flag(more[0]) if more else False
    return _struct(service.process_block_time(whole_number(block_time), ignore_privileges, context.caller))


def explanation_struct(found: Allocation) -> Struct:
    """What XMLRPCexplainBlockAllocation answers. Times are Unix seconds; 0 and "" stand for what there is not."""
    why = found.explanation
    assert why is not None, "it was asked for"
    code, message = found.outcome.warning or (0, "")
    answer: Struct = {
        "status": found.outcome.status,
        "allocated": found.outcome.allocated,
        "unallocated": found.outcome.unallocated,
        "warningcode": code,
        "warningmsg": message,
        "computers": why.computers,
        "funnel": [
            {"rule": each.rule, "label": each.label, "left": each.left, "lost": each.lost} for each in why.funnel
        ],
        "machines": [
            {
                "computers": [computer.hostname for computer in machine.computers],
                "reloadstart": machine.reload_start,
                "reloadend": machine.reload_end,
            }
            for machine in found.machines
        ],
        "stoppedby": why.stopped_by,
        "obstacles": [asdict(each) for each in why.obstacles],
    }
    return answer | {"remedies": _remedies_struct(why.remedies) if why.remedies else {}}


def _remedies_struct(found: Remedies) -> Struct:
    return {
        "possible": found.possible,
        "earlieststart": found.earliest_start or 0,
        "searcheduntil": found.searched_until,
        # A reservation without an end lasts for ages in VCL, longer than XML-RPC can say.
        "intheway": [asdict(each) | {"end": min(each.end, _LAST_SECOND)} for each in found.in_the_way],
    }


def _struct(outcome: Outcome) -> Struct:
    """VCL's struct. The numbers come with every status: without them the back end mails an alarm (SPEC 8.17)."""
    answer: Struct = {"status": outcome.status}
    if outcome.warning:
        answer["warningcode"], answer["warningmsg"] = outcome.warning
    return answer | {"allocated": outcome.allocated, "unallocated": outcome.unallocated}


# --- Trying out and looking up ----------------------------------------------------------------
def _test(arguments: Arguments, _context: CallContext) -> object:
    return {"status": "success", "message": "RPC call worked successfully", "string": _wanted_text(arguments)}


def _list_methods(_arguments: Arguments, _context: CallContext) -> object:
    return sorted([*METHODS, *passing_on.names()])


def _method_help(arguments: Arguments, _context: CallContext) -> object:
    method = _named_method(arguments)
    return method.help if method else "Calls of this method are passed on to VCL's front end."


def _method_signature(arguments: Arguments, _context: CallContext) -> object:
    method = _named_method(arguments)
    if method is None:
        return "undef"  # as XML-RPC introspection has it for signatures that are not known
    return [signature for form in method.forms for signature in form.signatures()]


def _named_method(arguments: Arguments) -> Method | None:
    """The method that is asked about; None for one that is passed on."""
    name = _wanted_text(arguments)
    if name not in METHODS and name not in passing_on.names():
        raise RPCMethodNotFound(name[:LONGEST_ECHO])
    return METHODS.get(name)


def _wanted_text(arguments: Arguments) -> str:
    wanted = text(arguments[0])
    if wanted is None:
        raise RPCException(RPC_INVALID_PARAMS, "the parameter must be a string")
    return wanted


# --- The table --------------------------------------------------------------------------------
_SEVEN = (
    ("imageid", "int"),
    ("start", "int"),
    ("end", "int"),
    ("machinecount", "int"),
    ("usergroupid", "int"),
    ("ignoreprivileges", "int"),
    ("blockTimeid", "int"),
)
_BLOCK_ALLOCATION = Method(
    "XMLRPCblockAllocation",
    "Allocates machines for a block time. With seven parameters start and end are Unix timestamps and the "
    "answer is the number of machines that the block time blockTimeid has once the call is over (blockTimeid 0: "
    "a block is created). With five or six, as in VCL 2.x, start and end are local times YYYY-MM-DD HH:MM:SS, "
    "a block is created, and the answer is a struct.",
    (
        Form(_allocate, "int", _SEVEN),
        Form(
            _create,
            "struct",
            (
                ("imageid", "int"),
                ("start", "string"),
                ("end", "string"),
                ("numMachines", "int"),
                ("usergroupid", "int"),
                ("ignoreprivileges", "int"),
            ),
            optional=1,
            errors_are_structs=True,
        ),
    ),
    is_decision=True,
)
_PROCESS_BLOCK_TIME = Method(
    "XMLRPCprocessBlockTime",
    "Allocates the machines that an existing block time still wants. The answer is a struct whose status is "
    "success, warning, completed (nothing was wanted) or error.",
    # Callers of VCL's own method may pass more than it has: it never looked.
    (
        Form(
            _process,
            "struct",
            (("blockTimesid", "int"), ("ignoreprivileges", "int")),
            optional=1,
            ignores_more=True,
            errors_are_structs=True,
        ),
    ),
    is_decision=True,
)
_EXPLAIN = Method(
    "XMLRPCexplainBlockAllocation",
    "What XMLRPCblockAllocation with the same seven parameters would do now, and why: nothing is written. The answer "
    "is a struct with the machines that would be taken, how many computers each rule leaves over, and, when machines "
    "are missing, what kept the others from the block and when all could be had.",
    (Form(_explain, "struct", _SEVEN),),
    is_decision=True,
    is_dry_run=True,
)
_TEST = Method(
    "XMLRPCtest",
    "Answers with the string that it is given: for trying out address, name and password.",
    (Form(_test, "struct", (("string", "string"),)),),
)
_SYSTEM = (
    Method("system.listMethods", "The names of all methods.", (Form(_list_methods, "array", ()),)),
    Method(
        "system.methodHelp",
        "What a method does.",
        (Form(_method_help, "string", (("methodName", "string"),)),),
    ),
    Method(
        "system.methodSignature",
        "The ways to call a method: each an array of the answer's type and those of the parameters.",
        (Form(_method_signature, "array", (("methodName", "string"),)),),
    ),
)

METHODS = {method.name: method for method in (_BLOCK_ALLOCATION, _PROCESS_BLOCK_TIME, _EXPLAIN, _TEST, *_SYSTEM)}
server = build_server(tuple(METHODS.values()))
