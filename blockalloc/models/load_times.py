"""Load times that were counted before, so that VCL's log need not be read for each call."""

from django.db import models


class LoadTime(models.Model):
    """The loads of an image that counted in the twelve months before `counted` (SPEC 6): how many, and their seconds.

    `image_id` is a row of VCL's `image`; without a foreign key, for VCL may delete the image. An image without loads
    has 0 of both: its `reloadtime`, which may change meanwhile, is not kept.
    """

    image_id = models.PositiveIntegerField(primary_key=True)
    seconds = models.BigIntegerField()
    loads = models.PositiveIntegerField()
    counted = models.DateTimeField()

    class Meta:
        db_table = "blockalloc_load_time"

    def __str__(self) -> str:
        return f"load time of image {self.pk}"
