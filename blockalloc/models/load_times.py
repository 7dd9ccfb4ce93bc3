"""Cached load times and load models, so that VCL's log need not be read for each call."""

from django.db import models


class LoadTime(models.Model):
    """The loads of an image that count (SPEC 6), of the twelve months before `counted`: their number and total seconds.

    `image_id` is the id of a row of VCL's `image`, without a foreign key, since VCL may delete the image. Without
    loads, both are 0: the image's `reloadtime`, which may change at any time, is not cached.
    """

    image_id = models.PositiveIntegerField(primary_key=True)
    seconds = models.BigIntegerField()
    loads = models.PositiveIntegerField()
    counted = models.DateTimeField()

    class Meta:
        db_table = "blockalloc_load_time"

    def __str__(self) -> str:
        return f"load time of image {self.pk}"


class KeptLoadModel(models.Model):
    """What was `learned` of the next load of an image (scheduling.load_time.model.LoadModel).

    It counts for the production revision and the `reloadtime` in minutes that the image had then. `knots` are
    [share, seconds] in JSON. No foreign keys, since VCL may delete the rows.
    """

    image_id = models.PositiveIntegerField(primary_key=True)
    revision_id = models.PositiveIntegerField()
    reload_minutes = models.PositiveIntegerField()
    knots = models.TextField()
    failing = models.FloatField()
    source = models.CharField(max_length=60)
    loads = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    learned = models.DateTimeField()

    class Meta:
        db_table = "blockalloc_load_model"

    def __str__(self) -> str:
        return f"load model of image {self.pk}"
