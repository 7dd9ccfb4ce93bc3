"""The frame of our pages: permissions, the surroundings that they share, and the block time that one is about."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse

from blockalloc.allocation import service
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import BlockTime
from blockalloc.web.transport import client_address

View = Callable[..., HttpResponseBase]
_PARAMETER = re.compile(r"^(?:blockTimeid|imageid|usergroupid|busy): ")


def require_permission(permission: str) -> Callable[[View], View]:
    """Make a view raise PermissionDenied for people without `permission` ("blockalloc.view_blocktime")."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked_view

    return decorate


def page(request: HttpRequest, template: str, title: str, **context: object) -> TemplateResponse:
    """A page with a template that extends `blockalloc/page.html`."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The answer to Http404: with the menu for staff who are signed in."""
    return _without_page(request, "404.html", 404)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The answer to PermissionDenied, the same."""
    return _without_page(request, "403.html", 403)


def _without_page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    is_staff = hasattr(request, "user") and admin.site.has_permission(request)
    context = {**admin.site.each_context(request), "has_frame": True} if is_staff else {}
    return render(request, template, context, status=status)


def staff_caller(request: HttpRequest) -> Caller:
    """The caller of what the person who is signed in has done."""
    return service.system_caller("admin", request.user.get_username(), client_address(request))


def visible_block_time(request: HttpRequest, block_time_id: int) -> BlockTime:
    """A block time with its block request. Raises Http404 when there is none that the person may see."""
    times = BlockTime.objects.visible_to(request.user).select_related("blockRequest")
    time = times.filter(pk=block_time_id).first()
    if time is None:
        raise Http404("no such block time")
    return time


def page_of_block_time(time: BlockTime) -> HttpResponse:
    """A redirect to the block time's page."""
    return HttpResponseRedirect(reverse("admin:blockalloc_blocktime_change", args=[time.pk]))


def why_refused(refusal: Refusal) -> str:
    """The text of a refusal for people, who have filled in no parameters: `there is no block time 7 (error 8)`."""
    return f"{without_parameter(refusal.text)} (error {refusal.code})"


def without_parameter(text: str) -> str:
    """The text of a refusal without the name of the parameter that it begins with, if any."""
    return _PARAMETER.sub("", text)
