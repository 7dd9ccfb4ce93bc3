"""What all our pages share: who may see them, and the frame around them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

View = Callable[..., HttpResponse]


def needs(permission: str) -> Callable[[View], View]:
    """For whoever has `permission` ("blockalloc.view_blocktime"); others get HTTP 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate


def page(request: HttpRequest, template: str, title: str, **context: object) -> TemplateResponse:
    """The page made from a template that extends `blockalloc/page.html`."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})
