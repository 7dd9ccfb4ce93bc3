"""The form of *Plan a series*: what is entered, and what is wrong with it, beside the field that it is about."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, QuerySet
from django.http import QueryDict

from blockalloc.contract import refusals
from blockalloc.contract.messages import Refusal
from blockalloc.models import Image, ImageRevision, UserGroup
from blockalloc.models.lookup import LookupProblem, image_among, user_group_among
from blockalloc.models.scope import Scope
from blockalloc.pages import user_groups
from blockalloc.pages.columns import fact
from blockalloc.series import dates
from blockalloc.series.dates import Date, Hours, day_of
from blockalloc.series.question import Question

IGNORED, COUNTED = "ignored", "counted"
_PRIVILEGES = (
    (IGNORED, "any that can run the image"),
    (COUNTED, "only those granted to the user group"),
)
_DAYS = [(str(number), name) for number, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))]
_FIELDS = {10: "image", 64: "machines", 67: "group", 11: "group"}  # of refusals, by their codes
_LONGEST_NAME, _LONGEST_LIST = 150, 20_000
_MOST_WEEKS = 200
_Row = TypeVar("_Row")


class PlanForm(forms.Form):
    """An image, machines, and dates: either weekdays with hours, or a list.

    The lists of names are limited to what exists, and to user groups that a person of the scope may see. Browsers
    search in them (`<datalist>`), without scripts; a name in any case, a file name or an id is understood as well.
    """

    image = forms.CharField(
        label="Image", max_length=_LONGEST_NAME, widget=forms.TextInput({"list": "plan-images"}),
        help_text="Its exact name. The field suggests names as you type.",
    )  # fmt: skip
    group = forms.CharField(
        label="User group", max_length=_LONGEST_NAME, required=False, widget=forms.TextInput({"list": "plan-groups"}),
        help_text="Optional. Its exact name, suggested as you type.",
    )  # fmt: skip
    machines = forms.IntegerField(label="Machines", widget=forms.NumberInput({"min": 1}))
    privileges = forms.ChoiceField(label="Which computers", choices=_PRIVILEGES, required=False)
    days = forms.MultipleChoiceField(
        label="Weekdays", choices=_DAYS, required=False, widget=forms.CheckboxSelectMultiple
    )
    begin = forms.TimeField(label="From", required=False, widget=forms.TimeInput({"type": "time"}))
    end = forms.TimeField(label="To", required=False, widget=forms.TimeInput({"type": "time"}))
    first = forms.DateField(label="First day", required=False, widget=forms.DateInput({"type": "date"}))
    weeks = forms.IntegerField(
        label="Weeks", required=False, min_value=1, max_value=_MOST_WEEKS, widget=forms.NumberInput({"min": 1})
    )
    dates = forms.CharField(
        label="Or a list of dates", required=False, max_length=_LONGEST_LIST,
        widget=forms.Textarea({"rows": 4, "placeholder": "2027-01-11 09:00-11:00"}),
        help_text="One per line: a day and its hours. The weekdays, hours and weeks above are then ignored.",
    )  # fmt: skip

    def __init__(self, data: QueryDict | None, *, scope: Scope, now: int) -> None:
        super().__init__(data, initial=None if data else _initial(now), label_suffix="")
        self.images: list[Image] = list(_images())
        self.groups = list(user_groups.within(scope))
        self._dates: list[Date] = []
        self.refers_to_dates = False  # whether an error names the list of dates

    @property
    def image_names(self) -> list[str]:
        """The images to choose from, each name once."""
        return list(dict.fromkeys(image.prettyname for image in self.images if fact(image, "can_be_loaded")))

    @property
    def group_names(self) -> list[str]:
        """The user groups to choose from."""
        return [str(group) for group in self.groups]

    @property
    def times(self) -> list[forms.BoundField]:
        """The fields beside the weekdays."""
        return [self[name] for name in ("begin", "end", "first", "weeks")]

    def clean_image(self) -> Image:
        """The image with that name or id."""
        return _found(lambda: image_among(self.images, self.cleaned_data["image"]))

    def clean_group(self) -> UserGroup | None:
        """The user group with that name or id."""
        text = self.cleaned_data["group"]
        return _found(lambda: user_group_among(self.groups, text)) if text else None

    def clean(self) -> dict[str, Any]:
        """The dates, of the list or of the weekdays."""
        given = super().clean() or {}
        if given.get("privileges") == COUNTED and not given.get("group") and "group" not in self.errors:
            self.add_error("group", "Choose the user group whose members’ privileges count.")
        if given.get("dates"):
            self._read_dates(lambda: dates.listed(given["dates"]), "dates")
        elif not self.errors.keys() & {"days", "begin", "end", "first", "weeks", "dates"}:
            self._weekly(given)
        return given

    def _weekly(self, given: dict[str, Any]) -> None:
        missing = [
            name for name in ("days", "begin", "end", "first", "weeks") if not given.get(name) and given.get(name) != 0
        ]
        if missing:
            self.refers_to_dates = True
            labels = " and ".join(filter(None, (", ".join(map(self._label, missing[:-1])), self._label(missing[-1]))))
            self.add_error(missing[0], f"Fill in {labels}, or give a list of dates below.")
            return
        hours = Hours(given["begin"], given["end"])
        if hours.end <= hours.start:
            self.add_error("end", f"Give a time after the start, {hours.start:%H:%M}.")
            return
        weekdays = [int(day) for day in given["days"]]
        self._read_dates(lambda: dates.weekly(given["first"], weekdays, hours, given["weeks"]), "weeks")

    def _label(self, name: str) -> str:
        return f"“{self.fields[name].label}”"

    def _read_dates(self, read: Callable[[], list[Date]], field: str) -> None:
        try:
            self._dates = read()
        except Refusal as refusal:
            self.add_error(field, refusal.text)
        except (OverflowError, ValueError):
            self.add_error(field, "These dates are beyond the calendar.")

    def question(self) -> Question:
        """What a valid form asks."""
        given = self.cleaned_data
        group = given["group"]
        return Question(
            image_id=given["image"].pk,
            machines=given["machines"],
            user_group_id=group.pk if group else 0,
            ignore_privileges=given["privileges"] != COUNTED,
            dates=self._dates,
            machines_name="machines",
        )

    def note(self, refusal: Refusal) -> None:
        """Show a refusal beside the field that it is about."""
        in_dates = "dates" if self.cleaned_data.get("dates") else "first"
        field = in_dates if refusal.code in (refusals.START, refusals.END) else _FIELDS.get(refusal.code)
        self.add_error(field, refusal.text)


def _found(find: Callable[[], _Row]) -> _Row:
    try:
        return find()
    except LookupProblem as problem:
        raise ValidationError(str(problem)) from problem


def _images() -> QuerySet[Image]:
    """All images that are not deleted, which everybody may see; `can_be_loaded`: with a production revision."""
    production = ImageRevision.objects.in_production_for("pk")
    images = Image.objects.filter(deleted=0).annotate(can_be_loaded=Exists(production))
    return images.only("name", "prettyname").order_by("prettyname", "pk")


def _initial(now: int) -> dict[str, object]:
    """A semester of Mondays from next week on."""
    today = day_of(now)
    monday: date = today + timedelta(days=7 - today.weekday())
    return {
        "machines": 20,
        "privileges": IGNORED,
        "days": ["0"],
        "begin": "09:00",
        "end": "11:00",
        "first": monday,
        "weeks": 15,
    }
