"""The page at which people end their notifications: for everybody who has the signed address, without a sign-in.

Programs that look into mails open all addresses in them, so opening the page changes nothing.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from blockalloc import clock
from blockalloc.models import Recipient
from blockalloc.notifications import preferences
from blockalloc.notifications.preferences import NOTHING, OF_PEOPLE, Choice, choice_of, default_of
from blockalloc.notifications.unsubscribing import key_of
from blockalloc.pages.frame import page


# The address is the proof. Mail programs post to it by themselves (RFC 8058), from anywhere, without cookies.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """What is sent, and a button that ends it; POST ends it, or with `again` begins it anew.

    With `keep` in the address the page says that nothing was changed.

    Raises Http404 for a token that was not signed here.
    """
    key = key_of(token)
    if key is None:
        raise Http404("no such recipient")
    done = ""
    if request.method == "POST":
        done = "again" if "again" in request.POST else "ended"
        preferences.choose(key, _anew(key) if done == "again" else NOTHING, clock.now())
    choice = choice_of(key)
    if "keep" in request.GET and not done and not choice.is_nothing:
        done = "kept"
    address = Recipient.objects.filter(key=key).values_list("address", flat=True).first()
    title = "Unsubscribe from notifications about classes"
    answer = page(request, "blockalloc/unsubscribe.html", title, address=address, choice=choice, done=done)
    answer["X-Robots-Tag"] = "noindex"
    return answer


def _anew(key: str) -> Choice:
    """What is sent to people who have ended it and want it again: all, even if VCL sends them no notices."""
    return OF_PEOPLE._replace(summary=default_of(key).summary)
