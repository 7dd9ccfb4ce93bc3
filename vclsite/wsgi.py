"""The WSGI application that gunicorn serves."""

import os
from collections.abc import Mapping
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """Django's request, but encodings named in its Content-Type are left to the view that reads the body.

    Django looks them up among Python's codecs before any middleware or view runs: with one that is not
    for text (rot13) the answer is HTTP 500, and a name that Python does not know stays in memory for ever.
    Parameters that name an encoding of their own (RFC 2231: charset*=…) are dropped: nobody sends them.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        content_type = environ.get("CONTENT_TYPE", "")
        if "*" in content_type:
            environ["CONTENT_TYPE"] = content_type.partition(";")[0].replace("*", "")
        super().__init__(environ)

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vclsite.settings")
application = get_wsgi_application()
application.request_class = Request
