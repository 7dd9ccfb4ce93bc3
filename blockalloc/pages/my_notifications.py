"""What the person who is signed in wants to be told."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from blockalloc import clock
from blockalloc.notifications import preferences, staff
from blockalloc.notifications.audience import reason_of
from blockalloc.notifications.preferences import Choice
from blockalloc.notifications.staff import Staff
from blockalloc.pages.frame import page, require_permission
from scheduling.news.kinds import Kind

KINDS = (
    (Kind.SHORT.value, "A class lacks machines, or lacks more than before"),
    (Kind.AT_RISK.value, "A class has its machines, but they may not all be ready at its start"),
    (Kind.NOT_READY.value, "A class has begun, and not all its machines were ready"),
    (Kind.MENDED.value, "A class that lacked machines has them all"),
    (Kind.READY.value, "A class that was at risk, or late, has all its machines ready"),
    (Kind.FORESEEN.value, "Up to a week ahead: a class will lack machines, by the forecast"),
    (Kind.FORESEEN_OVER.value, "A shortage that was forecast is resolved"),
)


class ChoiceForm(forms.Form):
    """The kinds of news, whose classes, and the daily summary."""

    kinds = forms.MultipleChoiceField(
        label="Tell me when", choices=KINDS, required=False, widget=forms.CheckboxSelectMultiple
    )
    only_own = forms.BooleanField(label="Only for classes that I own", required=False)
    summary = forms.BooleanField(
        label="A daily summary: all classes of today and yesterday that I may see", required=False
    )

    def __init__(self, *args: Any, may_own: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_own:
            del self.fields["only_own"]  # an account of Django's is no user of VCL, who could own a class

    @property
    def choice(self) -> Choice:
        """What was chosen, of a valid form."""
        given = self.cleaned_data
        kinds = frozenset(map(Kind, given["kinds"]))
        return Choice(kinds, bool(given.get("only_own")), bool(given["summary"]))


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission("blockalloc.view_blocktime")
def my_notifications(request: HttpRequest) -> HttpResponse:
    """The choices, where mails go, and why; POST changes the choices. Raises PermissionDenied."""
    person = staff.signed_in(request.user)
    if person is None:
        raise PermissionDenied
    may_own = person.user_id is not None
    if request.method == "POST":
        form = ChoiceForm(request.POST, may_own=may_own)
        if form.is_valid():
            preferences.choose(person.key, form.choice, clock.now())
            messages.success(request, _said(form.choice))
            return HttpResponseRedirect(reverse("admin:my_notifications"))
    else:
        choice = preferences.choice_of(person.key)
        kinds = [kind.value for kind in choice.kinds]
        initial = {"kinds": kinds, "only_own": choice.only_own, "summary": choice.summary}
        form = ChoiceForm(initial=initial, may_own=may_own)
    return page(
        request,
        "blockalloc/my_notifications.html",
        "My notifications",
        form=form,
        person=person,
        reason=reason_of(person),
        source=_source(person),
        mail=settings.VCL_SMTP_URL is not None,
    )


def _said(choice: Choice) -> str:
    return "From now on you get no mails about classes." if choice.is_nothing else "From now on you get what you chose."


def _source(person: Staff) -> str:
    """Where the address comes from."""
    return "your account in VCL" if person.user_id is not None else "your account on these pages"
