"""The XML-RPC views. Every POST is answered with HTTP 200 and an XML-RPC document, whatever its body."""

from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt
from modernrpc.exceptions import RPCException

from blockalloc.rpc.authentication import claimed_user, sign_in
from blockalloc.rpc.dispatch import CallContext
from blockalloc.rpc.methods import server
from blockalloc.rpc.refusal_log import log_refusal
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
    try:
        return _answer(request)
    except RPCException as fault:
        document = printable(fault_document(fault))
    except Exception as error:  # a back end can read a fault, but not an HTML page with status 500
        document = fault_document(internal_error(error))
    return _response(document)


@csrf_exempt
def front_end_path(request: HttpRequest) -> HttpResponse:
    """The same at the address of VCL's front end, …/index.php?mode=xmlrpccall. Other modes are the front end's."""
    # Not request.GET: Django answers a query of more than 1000 fields with HTTP 400.
    if parse_qs(request.META.get("QUERY_STRING", "")).get("mode", [""])[-1] != "xmlrpccall":
        return to_front_end(request)
    return xmlrpc(request)


def _answer(request: HttpRequest) -> HttpResponse:
    """The answer: ours, or that of VCL's front end.

    Nothing of the body but the method's name is read before the caller is known.
    """
    address = client_address(request)
    try:
        body = read_body(request, settings.VCL_MAX_BODY_BYTES)
        if not (settings.VCL_ALLOW_PLAIN_HTTP or is_secure(request)):
            raise RequestRefused(HTTPS_WANTED, "HTTPS is needed: name and password must not travel in the clear")
        passing_on.refuse_loop(request)
        if passed_on := passing_on.pass_on(request, body, address):
            return passed_on
        caller = sign_in(request, address)
        document = decode_body(body, request)
    except RequestRefused as refused:
        log_refusal(claimed_user(request), address, f"{refused.code}, {refused.reason}")
        raise
    (handler,) = server.handlers
    context = CallContext(
        request,
        server,
        handler,
        handler.protocol,
        caller=caller,
        idempotency_key=request.headers.get("X-Idempotency-Key", "").strip(),
    )
    return _response(printable(str(handler.process_request(document, context))))


def _response(document: str) -> HttpResponse:
    return HttpResponse(document, content_type="text/xml; charset=utf-8")
