"""The action "Send again" on a message that was given up: it asks first."""

import logging

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from blockalloc import clock
from blockalloc.models import Message
from blockalloc.models.querysets import MessageQuerySet
from blockalloc.models.scope import scope_of
from blockalloc.notifications import staff
from blockalloc.pages.frame import page, require_permission
from blockalloc.store import outbox

log = logging.getLogger(__name__)

SEND_AGAIN = "blockalloc.send_again_message"


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission("blockalloc.view_message")
def send_message_again(request: HttpRequest, message_id: int) -> HttpResponse:
    """The page on which it is confirmed, and sending it again (POST).

    Raises PermissionDenied, and Http404 for a message that the person may not see.
    """
    if not request.user.has_perm(SEND_AGAIN):
        raise PermissionDenied
    message = (
        visible_to(request).filter(pk=message_id).select_related("recipient").defer("text", "html", "body").first()
    )
    if message is None:
        raise Http404("no such message")
    if request.method != "POST":
        own = own_key(request)
        recipient = message.address if own in (None, message.recipient.key) else "somebody else"
        context = {"message": message, "recipient": recipient}
        return page(request, "blockalloc/send_again.html", f"Send again: {message.subject}", **context)
    if outbox.send_again([message.pk], clock.now()):
        log.info("message %d is to be sent again, by %r", message.pk, request.user.get_username())
        messages.success(request, "It will be sent again in the next round of notify.")
    else:
        messages.warning(request, "Nothing was done: it has been sent, or waits already.")
    return HttpResponseRedirect(reverse("admin:blockalloc_message_change", args=[message.pk]))


def visible_to(request: HttpRequest) -> MessageQuerySet:
    """The messages that the person may see: with a limited scope their own, and those about its classes alone."""
    return Message.objects.within(scope_of(request.user), own_key(request) or "")


def own_key(request: HttpRequest) -> str | None:
    """The key of the person's own messages; None for those who may see everybody's."""
    if not scope_of(request.user).is_limited:
        return None
    person = staff.signed_in(request.user)
    return person.key if person else ""
