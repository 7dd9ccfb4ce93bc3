"""The XML-RPC views. Every POST is answered with HTTP 200 and an XML-RPC document, whatever its body."""

from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt
from modernrpc.exceptions import RPCException

from blockalloc.contract.refusals import INTERNAL
from blockalloc.rpc.authentication import claimed_user, sign_in
from blockalloc.rpc.call_log import CallLine
from blockalloc.rpc.dispatch import CallContext
from blockalloc.rpc.methods import server
from blockalloc.rpc.wire import RequestRefused, decode_body, fault_document, internal_error, printable, read_body
from blockalloc.web.front_end import passing_on
from blockalloc.web.front_end.browsers import to_front_end
from blockalloc.web.transport import client_address, is_secure

HTTPS_WANTED = 4


@csrf_exempt
def xmlrpc(request: HttpRequest) -> HttpResponse:
    """Answers an XML-RPC call. POST only."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    line = CallLine()
    try:
        response = _answer(request, line)
    except RPCException as fault:
        line.note_fault(fault.code)
        response = _response(printable(fault_document(fault)))
    except Exception as error:  # a back end can read a fault, but not an HTML page with status 500
        line.note_fault(INTERNAL)
        response = _response(fault_document(internal_error(error)))
    line.write()
    line.count()
    return response


@csrf_exempt
def front_end_path(request: HttpRequest) -> HttpResponse:
    """The same at the address of VCL's front end, …/index.php?mode=xmlrpccall. Other modes are the front end's."""
    # Not request.GET: Django answers a query of more than 1000 fields with HTTP 400.
    if parse_qs(request.META.get("QUERY_STRING", "")).get("mode", [""])[-1] != "xmlrpccall":
        return to_front_end(request)
    return xmlrpc(request)


def _answer(request: HttpRequest, line: CallLine) -> HttpResponse:
    """The answer: ours, or that of VCL's front end. What is known of the call goes into its line of the log.

    Nothing of the body but the method's name is read before the caller is known.
    """
    address = line.address = client_address(request)
    try:
        body = read_body(request, settings.VCL_MAX_BODY_BYTES)
        if not (settings.VCL_ALLOW_PLAIN_HTTP or is_secure(request)):
            raise RequestRefused(HTTPS_WANTED, "HTTPS is needed: name and password must not travel in the clear")
        passing_on.refuse_loop(request)
        if method := passing_on.method_of(request, body):
            line.method, line.user, line.is_passed_on = method, claimed_user(request), True
            answer = passing_on.pass_on(method, request, body, address)
            if answer.fault in passing_on.REFUSALS:
                line.refuse(line.user, answer.fault, "by VCL's front end")
            elif answer.fault is not None:
                line.note_fault(answer.fault)
            return answer.response
        caller = sign_in(request, address)
        line.user = caller.name
        document = decode_body(body, request)
    except RequestRefused as refused:
        line.refuse(claimed_user(request), refused.code, refused.reason, names_method=True)
        raise
    (handler,) = server.handlers
    context = CallContext(
        request,
        server,
        handler,
        handler.protocol,
        caller=caller,
        line=line,
        idempotency_key=request.headers.get("X-Idempotency-Key", "").strip(),
    )
    return _response(printable(str(handler.process_request(document, context))))


def _response(document: str) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml; charset=utf-8")
