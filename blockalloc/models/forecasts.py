"""The forecast that is kept: how many machines each class to come will get, by the last plan of them all.

`manage.py forecast` writes it. The ids of VCL's rows are kept without foreign keys, since VCL may delete the rows.
"""

from django.db import models


class ForecastRun(models.Model):
    """The last forecast: one row, with id 1.

    `made` is the moment whose facts it rests on, `until` the moment up to which classes were planned, both on `host`
    within `milliseconds`. `checked`: when the facts were last found unchanged (or planned anew). `facts` is a hash of
    them. `problem`: why the last attempt to make one failed, "" when it did not.
    """

    made = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    checked = models.DateTimeField(null=True)
    facts = models.CharField(max_length=64, default="")
    classes = models.IntegerField(default=0)
    short = models.IntegerField(default=0)
    milliseconds = models.IntegerField(default=0)
    host = models.CharField(max_length=190, default="")
    problem = models.TextField(default="")

    class Meta:
        db_table = "blockalloc_forecast_run"

    def __str__(self) -> str:
        return f"forecast of {self.made}"


class Forecast(models.Model):
    """What a class to come will get when it is asked for.

    Of the `wanted` machines it will have `machines`; its block request is for `requested`, which are more where
    somebody has asked for fewer, or released some; `fit` is how many computers of the site can run its image at all.
    `why`: what stops it from having more, in words, "" when nothing does. `in_the_way` and `lost` are JSON: bookings of
    computers that it could have had (kind, id, name, start, end, computers), and how many computers each rule excludes.
    `told`: how many machines were missing when people were last told of it, 0 when they were told that none is any
    more, None when they were told nothing.
    """

    block_time_id = models.PositiveIntegerField(primary_key=True)
    block_request_id = models.PositiveIntegerField(db_index=True)
    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField()
    wanted = models.IntegerField()
    machines = models.IntegerField()
    fit = models.IntegerField(default=0)
    is_late = models.BooleanField(default=False)
    rule = models.CharField(max_length=40, default="")
    why = models.TextField(default="")
    in_the_way = models.TextField(default="[]")
    lost = models.TextField(default="{}")
    requested = models.IntegerField(db_default=0)
    told = models.IntegerField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "blockalloc_forecast"

    def __str__(self) -> str:
        return f"forecast of block time {self.pk}"


class ForecastSeen(models.Model):
    """What a forecast said of a class that people do not know yet: when, and how many machines will be missing.

    It is told when a later forecast says the same (scheduling.news.foreseeing).
    """

    block_time_id = models.PositiveIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    missing = models.IntegerField()

    class Meta:
        db_table = "blockalloc_forecast_seen"

    def __str__(self) -> str:
        return f"forecast of block time {self.pk} at {self.at}"
