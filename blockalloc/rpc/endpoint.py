"""The XML-RPC views. Every POST is answered with HTTP 200 and an XML-RPC document, whatever it held."""

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt
from modernrpc.exceptions import RPCException

from blockalloc.rpc.authentication import claimed_user, sign_in
from blockalloc.rpc.dispatch import CallContext
from blockalloc.rpc.methods import server
from blockalloc.rpc.wire import RequestRefused, decode_body, fault_document, internal_error, printable, read_body
from blockalloc.transport import client_address, is_secure

log = logging.getLogger(__name__)

HTTPS_WANTED = 4


@csrf_exempt
def xmlrpc(request: HttpRequest) -> HttpResponse:
    """Answers an XML-RPC call. POST only."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        document = printable(_answer(request))
    except RPCException as fault:
        document = printable(fault_document(fault))
    except Exception as error:  # a back end can read a fault, but not an HTML page with status 500
        document = fault_document(internal_error(error))
    return HttpResponse(document, content_type="text/xml; charset=utf-8")


@csrf_exempt
def front_end_path(request: HttpRequest) -> HttpResponse:
    """The same under the address of VCL's front end, …/index.php?mode=xmlrpccall. Raises Http404 for other modes."""
    if request.GET.get("mode") != "xmlrpccall":
        raise Http404("the only mode here is xmlrpccall")
    return xmlrpc(request)


def _answer(request: HttpRequest) -> str:
    """The answer's document. Nothing of the body is parsed before the caller is known."""
    address = client_address(request)
    try:
        body = read_body(request, settings.VCL_MAX_BODY_BYTES)
        if not (settings.VCL_ALLOW_PLAIN_HTTP or is_secure(request)):
            raise RequestRefused(HTTPS_WANTED, "HTTPS is needed: name and password must not travel in the clear")
        caller = sign_in(request, address)
        document = decode_body(body, request)
    except RequestRefused as refused:
        log.warning("refused %.100r from %s: %s", claimed_user(request), address, refused.reason)
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
    return str(handler.process_request(document, context))
