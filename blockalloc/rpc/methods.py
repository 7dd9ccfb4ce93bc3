"""The methods that a VCL back end calls: read the parameters, call the service, word the answer."""

from modernrpc.exceptions import RPC_INVALID_PARAMS, RPCException, RPCMethodNotFound

from blockalloc import refusals, service
from blockalloc.calls import BlockAllocationCall, NewBlockCall, Outcome
from blockalloc.rpc.arguments import flag, local_seconds, text, whole_number
from blockalloc.rpc.dispatch import Arguments, CallContext, Form, Method, build_server

IDEMPOTENCY_KEY_LENGTH = 200
LONGEST_ECHO = 100  # characters of what the caller wrote, when an error repeats them

Struct = dict[str, object]


# --- Block allocations ------------------------------------------------------------------------
def _allocate(arguments: Arguments, context: CallContext) -> object:
    image, start, end, machines, group, ignore_privileges, block_time = arguments
    block_time_id = whole_number(block_time)
    call = BlockAllocationCall(
        image_id=whole_number(image),
        start=whole_number(start),
        end=whole_number(end),
        machines=whole_number(machines),
        user_group_id=whole_number(group),
        ignore_privileges=flag(ignore_privileges),
        block_time_id=block_time_id,
        idempotency_key=_idempotency_key(context.idempotency_key) if block_time_id == 0 else None,
    )
    return service.allocate_block(call, context.caller)


def _idempotency_key(header: str) -> str | None:
    if len(header) > IDEMPOTENCY_KEY_LENGTH:
        raise refusals.key_too_long(len(header), IDEMPOTENCY_KEY_LENGTH)
    return header or None


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


def _struct(outcome: Outcome) -> Struct:
    """VCL's struct, with exactly the members that VCL gives for each status."""
    if outcome.status == "completed":
        return {"status": "completed"}
    answer: Struct = {"status": outcome.status}
    if outcome.warning:
        answer["warningcode"], answer["warningmsg"] = outcome.warning
    return answer | {"allocated": outcome.allocated, "unallocated": outcome.unallocated}


# --- Trying out and looking up ----------------------------------------------------------------
def _test(arguments: Arguments, _context: CallContext) -> object:
    return {"status": "success", "message": "RPC call worked successfully", "string": _wanted_text(arguments)}


def _list_methods(_arguments: Arguments, _context: CallContext) -> object:
    return sorted(METHODS)


def _method_help(arguments: Arguments, _context: CallContext) -> object:
    return _named_method(arguments).help


def _method_signature(arguments: Arguments, _context: CallContext) -> object:
    return [signature for form in _named_method(arguments).forms for signature in form.signatures()]


def _named_method(arguments: Arguments) -> Method:
    name = _wanted_text(arguments)
    if name not in METHODS:
        raise RPCMethodNotFound(name[:LONGEST_ECHO])
    return METHODS[name]


def _wanted_text(arguments: Arguments) -> str:
    wanted = text(arguments[0])
    if wanted is None:
        raise RPCException(RPC_INVALID_PARAMS, "the parameter must be a string")
    return wanted


# --- The table --------------------------------------------------------------------------------
_BLOCK_ALLOCATION = Method(
    "XMLRPCblockAllocation",
    "Allocates machines for a block time. With seven parameters start and end are Unix timestamps and the "
    "answer is the number of machines that the block time blockTimeid has once the call is over (blockTimeid 0: "
    "a block is created). With five or six, as in VCL 2.x, start and end are local times YYYY-MM-DD HH:MM:SS, "
    "a block is created, and the answer is a struct.",
    (
        Form(
            _allocate,
            "int",
            (
                ("imageid", "int"),
                ("start", "int"),
                ("end", "int"),
                ("machinecount", "int"),
                ("usergroupid", "int"),
                ("ignoreprivileges", "int"),
                ("blockTimeid", "int"),
            ),
        ),
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

METHODS = {method.name: method for method in (_BLOCK_ALLOCATION, _PROCESS_BLOCK_TIME, _TEST, *_SYSTEM)}
server = build_server(tuple(METHODS.values()))
