"""The methods that a VCL back end calls: read the parameters, call the service, build the answer."""

from dataclasses import asdict

from modernrpc.exceptions import RPC_INVALID_PARAMS, RPCException, RPCMethodNotFound

from blockalloc.allocation import service
from blockalloc.allocation.explanation import Remedies
from blockalloc.allocation.service import Allocation
from blockalloc.contract.messages import BlockAllocationCall, NewBlockCall, Outcome
from blockalloc.rpc.arguments import flag, local_seconds, text, whole_number
from blockalloc.rpc.dispatch import Arguments, CallContext, Form, Method, build_server
from blockalloc.rpc.series import PLAN_SERIES
from blockalloc.web.front_end import passing_on

LONGEST_ECHO = 100  # characters of the caller's text that an error repeats

Struct = dict[str, object]

_LAST_SECOND = 2**31 - 1  # the largest <int>


# --- Block allocations ------------------------------------------------------------------------
def _allocate(arguments: Arguments, context: CallContext) -> object:
    call = _seven_parameters(arguments, context)
    allocated = service.allocate_block(call, context.caller)
    context.line.missing = max((call.machines or 0) - allocated, 0)
    return allocated


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


def explanation_struct(allocation: Allocation) -> Struct:
    """The answer of XMLRPCexplainBlockAllocation. Times are Unix seconds; 0 and "" mean that there is none."""
    why = allocation.explanation
    assert why is not None, "dry runs are explained"
    code, message = allocation.outcome.warning or (0, "")
    answer: Struct = {
        "status": allocation.outcome.status,
        "allocated": allocation.outcome.allocated,
        "unallocated": allocation.outcome.unallocated,
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
            for machine in allocation.machines
        ],
        "stoppedby": why.stopped_by,
        "obstacles": [asdict(each) for each in why.obstacles],
    }
    answer |= _outlook_members(allocation.outcome)
    return answer | {"remedies": _remedies_struct(why.remedies) if why.remedies else {}}


def _remedies_struct(remedies: Remedies) -> Struct:
    return {
        "possible": remedies.possible,
        "earlieststart": remedies.earliest_start or 0,
        "searcheduntil": remedies.searched_until,
        # In VCL, a reservation without an end ends in the far future, later than an <int> can say.
        "intheway": [asdict(each) | {"end": min(each.end, _LAST_SECOND)} for each in remedies.in_the_way],
    }


def _struct(outcome: Outcome) -> Struct:
    """VCL's struct. The numbers come with every status: without them the back end mails an alarm (SPEC 8.17)."""
    answer: Struct = {"status": outcome.status}
    if outcome.warning:
        answer["warningcode"], answer["warningmsg"] = outcome.warning
    return answer | {"allocated": outcome.allocated, "unallocated": outcome.unallocated} | _outlook_members(outcome)


def _outlook_members(outcome: Outcome) -> Struct:
    """What policy `ready` says of the class: none under policy `vcl` (SPEC 6)."""
    if outcome.outlook is None:
        return {}
    outlook = outcome.outlook.rounded()
    return {"ready": outlook.ready, "late": outlook.late, "minutes": outlook.minutes}


# --- Test call and introspection --------------------------------------------------------------
def _test(arguments: Arguments, _context: CallContext) -> object:
    return {"status": "success", "message": "RPC call worked successfully", "string": _string_parameter(arguments)}


def _list_methods(_arguments: Arguments, _context: CallContext) -> object:
    return sorted([*METHODS, *passing_on.names()])


def _method_help(arguments: Arguments, _context: CallContext) -> object:
    method = _named_method(arguments)
    return method.help if method else "Calls of this method are passed on to VCL's front end."


def _method_signature(arguments: Arguments, _context: CallContext) -> object:
    method = _named_method(arguments)
    if method is None:
        return "undef"  # the answer of XML-RPC introspection for an unknown signature
    return [signature for form in method.forms for signature in form.signatures()]


def _named_method(arguments: Arguments) -> Method | None:
    """The method that is asked about; None for one that is passed on."""
    name = _string_parameter(arguments)
    if name not in METHODS and name not in passing_on.names():
        raise RPCMethodNotFound(name[:LONGEST_ECHO])
    return METHODS.get(name)


def _string_parameter(arguments: Arguments) -> str:
    value = text(arguments[0])
    if value is None:
        raise RPCException(RPC_INVALID_PARAMS, "the parameter must be a string")
    return value


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
    "answer is the number of machines that the block time blockTimeid has after the call (blockTimeid 0: "
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
    "Allocates the machines that an existing block time still lacks. The answer is a struct whose status is "
    "success, warning, completed (nothing was missing) or error.",
    # Callers of VCL's own method may pass more parameters than it has: it ignores them.
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
    "A dry run: what XMLRPCblockAllocation with the same seven parameters would do now, and why. The answer is a "
    "struct with the machines that would be allocated, how many computers are left after each rule, and, when machines "
    "are missing, why the other computers are not candidates and when all machines could be allocated.",
    (Form(_explain, "struct", _SEVEN),),
    is_decision=True,
    is_dry_run=True,
)
_TEST = Method(
    "XMLRPCtest",
    "Answers with the given string: a test of address, name and password.",
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

_ALL = (_BLOCK_ALLOCATION, _PROCESS_BLOCK_TIME, _EXPLAIN, PLAN_SERIES, _TEST, *_SYSTEM)
METHODS = {method.name: method for method in _ALL}
server = build_server(tuple(METHODS.values()))
