"""Browsers that follow a link meant for the front end: the back end's mails build it from the address for its calls."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.encoding import escape_uri_path, iri_to_uri


def to_front_end(request: HttpRequest) -> HttpResponse:
    """Send a browser to the same path and query at the front end. Raises Http404 when there is nowhere to send it."""
    if request.method not in ("GET", "HEAD") or not settings.VCL_FRONT_END_URL:
        raise Http404("the only mode here is xmlrpccall")
    front_end = urlsplit(settings.VCL_FRONT_END_URL)
    if _plain(front_end.netloc) == _plain(request.get_host()):
        raise Http404("VCL_FRONT_END_URL names this very host: the proxy in front has to separate the two")
    # Scheme and host are the setting's, whatever the path looks like ("//elsewhere.example/index.php").
    query = iri_to_uri(request.META.get("QUERY_STRING", ""))
    path = escape_uri_path(request.path)
    return HttpResponseRedirect(f"{front_end.scheme}://{front_end.netloc}{path}{'?' if query else ''}{query}")


def _plain(host: str) -> str:
    """A host with its port, normalized."""
    name, colon, port = host.lower().partition(":") if not host.startswith("[") else (host.lower(), "", "")
    return name.rstrip(".") + (f"{colon}{port}" if port != "443" else "")
