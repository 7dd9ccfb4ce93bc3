"""From a parsed request to a method: who may call it, with how many parameters, and how errors are answered.

The number of parameters is checked here, not left to Python: django-modern-rpc takes every
TypeError, even one from a bug of ours, for a mistake of the caller's.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from modernrpc import Protocol, RpcServer
from modernrpc.core import RpcRequestContext
from modernrpc.exceptions import RPC_INVALID_PARAMS, RPCException, RPCMarshallingError

from blockalloc.allocation import service
from blockalloc.contract import refusals
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.rpc.authentication import NOT_ON_THE_LIST, NOT_ON_THE_LIST_TEXT, may_manage_blocks
from blockalloc.rpc.call_log import CallLine
from blockalloc.rpc.wire import internal_error

# Busy, and an error of our own: a fault in every method, since callers retry on faults.
FAULTS_EVERYWHERE = (refusals.BUSY, refusals.INTERNAL)

_LONGEST_UNREAD = 300  # characters of parameters that are recorded without being read


@dataclass
class CallContext(RpcRequestContext):
    """django-modern-rpc's context of a call, with what the endpoint knows: the caller, the line of the log, the key."""

    caller: Caller = field(kw_only=True)
    line: CallLine = field(kw_only=True)
    idempotency_key: str = field(kw_only=True, default="")

    def log_refusal(self, code: int, reason: str) -> None:
        """Log that this call is refused."""
        self.line.refuse(self.caller.name, code, reason)


Arguments = Sequence[object]


@dataclass(frozen=True, slots=True)
class Form:
    """One way to call a method: its parameters, and the type of its answer."""

    run: Callable[[Arguments, CallContext], object]
    returns: str
    parameters: tuple[tuple[str, str], ...]  # name and XML-RPC type
    optional: int = 0  # how many of them, from the last one backwards, may be left out
    ignores_more: bool = False
    errors_are_structs: bool = False  # as in VCL 2.x; otherwise errors are faults

    def takes(self, count: int) -> bool:
        """Whether a call with `count` parameters is of this form."""
        most = len(self.parameters)
        return most - self.optional <= count and (count <= most or self.ignores_more)

    def signatures(self) -> list[list[str]]:
        """As system.methodSignature has it: the type of the answer, then those of the parameters."""
        types = [kind for _name, kind in self.parameters]
        return [[self.returns, *types[: len(types) - left_out]] for left_out in range(self.optional + 1)]

    def __str__(self) -> str:
        names = [name for name, _kind in self.parameters]
        needed = len(names) - self.optional
        return "(" + ", ".join(names[:needed]) + "".join(f"[, {name}]" for name in names[needed:]) + ")"


@dataclass(frozen=True, slots=True)
class Method:
    """A remote method under its exact name. `help` is what system.methodHelp answers."""

    name: str
    help: str
    forms: tuple[Form, ...]
    is_decision: bool = False  # each call leaves a decision record, even one that the caller may not make
    is_dry_run: bool = False

    def call(self, arguments: Arguments, context: CallContext) -> object:
        """The answer. Raises RPCException for a fault."""
        form = next((form for form in self.forms if form.takes(len(arguments))), None)
        context.caller = dataclasses.replace(context.caller, door=self.name)
        context.line.method = self.name
        try:
            self._check_access(form, arguments, context.caller)
            answer = self._form_or_fault(form, len(arguments)).run(arguments, context)
        except Refusal as refusal:
            if not form or not form.errors_are_structs or refusal.code in FAULTS_EVERYWHERE:
                raise RPCException(refusal.code, refusal.text) from refusal
            context.log_refusal(refusal.code, refusal.text)
            answer = {"status": "error", "errorcode": refusal.code, "errormsg": refusal.vcl_text}
        context.line.note_answer(answer)
        return answer

    def _check_access(self, form: Form | None, arguments: Arguments, caller: Caller) -> None:
        if may_manage_blocks(caller):
            return
        refusal = Refusal(NOT_ON_THE_LIST, NOT_ON_THE_LIST_TEXT)
        if self.is_decision and form:  # a wrong number of parameters is no call, and leaves no record
            given = {"unread": repr(arguments)[:_LONGEST_UNREAD]}
            service.record_refusal(caller, given, refusal, dry_run=self.is_dry_run)
        raise refusal

    def _form_or_fault(self, form: Form | None, count: int) -> Form:
        if form is None:
            forms = " or ".join(f"{self.name}{form}" for form in self.forms)
            raise RPCException(RPC_INVALID_PARAMS, f"{count} parameters given: call {forms}")
        return form


def build_server(methods: Sequence[Method]) -> RpcServer:
    """django-modern-rpc's server for `methods`. It has no system.multicall, which multiplies work per request."""
    server = RpcServer(register_system_procedures=False, supported_protocol=Protocol.XML_RPC, error_handler=on_error)
    for method in methods:
        server.register_procedure(_procedure(method), name=method.name, context_target="context")
    return server


def on_error(error: BaseException, context: RpcRequestContext) -> None:
    """Called by django-modern-rpc for every exception on the way to an answer; an exception from here is the answer.

    Refusals that are answered as faults are logged here. Method.call() logs the ones that are answered
    as structs, for they are no exceptions any more.
    """
    # Its own error about an answer that can't be written as XML quotes that answer.
    is_fault = isinstance(error, RPCException) and not isinstance(error, RPCMarshallingError)
    fault = error if is_fault else internal_error(error)
    assert isinstance(fault, RPCException)
    if isinstance(context, CallContext):
        if fault.code == refusals.INTERNAL:  # that is logged as an error, with its traceback
            context.line.note_fault(fault.code)
        else:
            context.log_refusal(fault.code, fault.message)
    if fault is not error:
        raise fault from error


def _procedure(method: Method) -> Callable[..., object]:
    def call(*arguments: object, context: CallContext) -> object:
        try:
            return method.call(arguments, context)
        except RPCException:
            raise
        except Exception as error:
            raise internal_error(error) from error

    return call
