"""A trial of VCL_FRONT_END_URL: a call without name and password, which changes nothing at the front end."""

import xmlrpc.client

from django.conf import settings

from blockalloc.web.front_end import answers, http
from blockalloc.web.front_end.passing_on import CROSSED, MARKER

_SECONDS = 20.0
_CALL = xmlrpc.client.dumps(("",), "XMLRPCtest").encode()
_HEADERS = {"X-APIVERSION": "2", "Content-Type": "text/xml", "Accept-Encoding": "identity", MARKER: "1"}
_HTTPS_WANTED = 4


def problem() -> str:
    """Why calls can't be passed on, and what to do about it; "" when they can, or when none are to be passed on."""
    if not settings.VCL_FRONT_END_URL:
        return ""
    try:
        front_end = http.FrontEnd(settings.VCL_FRONT_END_URL, settings.VCL_FRONT_END_CA)
        answer = front_end.post(_HEADERS, _CALL, _SECONDS)
    except http.NoAnswer as error:
        return f"VCL's front end {error.detail}"
    if answer.status != 200:
        return f"it answers with HTTP status {answer.status} (redirects are not followed): use its own address"
    try:
        code = answers.fault_code(answer.body)
    except answers.NotAnAnswer as error:
        return f"the server there does not answer in XML-RPC ({error}): is it VCL's front end?"
    if code == CROSSED:
        return "it leads to this service: use the front end's own address"
    if code == _HTTPS_WANTED:
        return "VCL's front end refuses the call because it did not come by HTTPS: use its https:// address"
    return ""
