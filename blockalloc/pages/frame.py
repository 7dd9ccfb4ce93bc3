"""The frame of our pages: permissions, and the surroundings that all of them share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

View = Callable[..., HttpResponse]


def require_permission(permission: str) -> Callable[[View], View]:
    """Make a view raise PermissionDenied for people without `permission` ("blockalloc.view_blocktime")."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked_view

    return decorate


def page(request: HttpRequest, template: str, title: str, **context: object) -> TemplateResponse:
    """A page with a template that extends `blockalloc/page.html`."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})
