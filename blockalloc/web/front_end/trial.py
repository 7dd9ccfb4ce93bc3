"""Is VCL_FRONT_END_URL the front end's address? A call without name and password tells: nothing comes of it there."""

import xmlrpc.client

from django.conf import settings

from blockalloc.web.front_end import answers, http
from blockalloc.web.front_end.passing_on import CROSSED, MARKER

_SECONDS = 20.0
_CALL = xmlrpc.client.dumps(("",), "XMLRPCtest").encode()
_HEADERS = {"X-APIVERSION": "2", "Content-Type": "text/xml", "Accept-Encoding": "identity", MARKER: "1"}
_HTTPS_WANTED = 4


def problem() -> str:
    """Why calls can't be passed on, with what to do about it; "" when they can, or none are meant to be."""
    if not settings.VCL_FRONT_END_URL:
        return ""
    try:
        front_end = http.FrontEnd(settings.VCL_FRONT_END_URL, settings.VCL_FRONT_END_CA)
        answer = front_end.post(_HEADERS, _CALL, _SECONDS)
    except http.NoAnswer as error:
        return f"VCL's front end {error.detail}"
    if answer.status != 200:
        return f"HTTP status {answer.status} comes back (redirects are not followed): use the front end's own address"
    try:
        code = answers.fault_code(answer.body)
    except answers.NotAnAnswer as error:
        return f"what answers there does not speak XML-RPC ({error}): is it VCL's front end?"
    if code == CROSSED:
        return "it leads to this service: use the front end's own address"
    if code == _HTTPS_WANTED:
        return "VCL's front end refuses the call because it did not come by HTTPS: use its https:// address"
    return ""
