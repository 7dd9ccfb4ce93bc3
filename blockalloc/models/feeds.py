"""Calendar addresses that were handed out, each of which can be revoked."""

from django.db import models

from blockalloc.models.decisions import NAME
from blockalloc.models.querysets import CalendarFeedQuerySet


class CalendarFeed(models.Model):
    """An address of a calendar: whoever has its `key` may read the classes of a user group, or all classes.

    `name` is what it was made for, by `made_by`. `group_id`: the user group, None for all classes; `affiliation_id`:
    that of the owners of the classes, None for any. `is_signed`: the address is of the kind that the site's secret key
    signs, and that holds no key. `last_read` is kept to the hour. `revoked`: since when it is no longer answered.
    """

    key = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=120, default="")
    group_id = models.PositiveIntegerField(null=True, db_index=True)
    affiliation_id = models.IntegerField(null=True, db_index=True)
    is_signed = models.BooleanField(default=False)
    made = models.DateTimeField()
    made_by = models.CharField(max_length=NAME, default="")
    last_read = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=NAME, default="")

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        db_table = "blockalloc_calendar_feed"

    def __str__(self) -> str:
        return self.name or f"calendar {self.pk}"
