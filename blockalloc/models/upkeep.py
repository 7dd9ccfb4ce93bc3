"""What keep_ready knows from one look to the next, and what it leaves when a class is over.

The ids are those of rows of VCL, without foreign keys, since VCL may delete the rows; names are stored as text.
"""

from typing import ClassVar

from django.db import models

from blockalloc.models.decisions import NAME
from blockalloc.models.querysets import ClassHeldQuerySet


class Heartbeat(models.Model):
    """The last look of keep_ready: one row, with id 1.

    `at` is when the look began, `host` where, `milliseconds` how long it took, `block_times` how many it looked at,
    `doubt` why nothing was changed, "" when all was well. What follows is what the next look has to know of the site's
    clock (scheduling.upkeep.trust): the zone that was configured; the time on the newest row of VCL, in site time, ""
    without one; when a row proved the zone last; since when the zone is in doubt.
    """

    at = models.DateTimeField()
    host = models.CharField(max_length=NAME)
    milliseconds = models.IntegerField()
    block_times = models.IntegerField(default=0)
    doubt = models.TextField(default="")
    zone = models.CharField(max_length=64, default="")
    newest = models.CharField(max_length=32, default="")
    proved = models.DateTimeField(null=True)
    doubted = models.DateTimeField(null=True)

    class Meta:
        db_table = "blockalloc_heartbeat"

    def __str__(self) -> str:
        return f"look of {self.at} on {self.host}"


class Watch(models.Model):
    """What keep_ready remembers of a block time while it looks at it.

    `first_seen`: the first look. `processing_seen`: the first look that saw `blockRequest.processing` set, None while
    it is not. `tried`: the last attempt for which no computer was to be had. `holds_stopped`: when staff stopped the
    holds. `at_risk`: which computers may be late, by the last look, and why. `noted`: what was last recorded, so that
    nothing is recorded twice. The counts are of computers: exchanged, loaded again, added. `ready`, `late`, `minutes`:
    what the look of `outlook_at` said of the class (scheduling.reloads.outlook); `said_last`: the last `ready` that was
    said half an hour before the start or earlier. `complete_since`: of a class with spares, the first of the looks that
    have seen all its machines ready without a break.
    """

    block_time_id = models.PositiveIntegerField(primary_key=True)
    first_seen = models.DateTimeField(db_index=True)
    processing_seen = models.DateTimeField(null=True)
    tried = models.DateTimeField(null=True)
    holds_stopped = models.DateTimeField(null=True)
    noted = models.TextField(default="")
    at_risk = models.TextField(default="")
    ready = models.FloatField(null=True)
    late = models.FloatField(null=True)
    minutes = models.IntegerField(null=True)
    outlook_at = models.DateTimeField(null=True)
    said_last = models.FloatField(null=True)
    complete_since = models.DateTimeField(null=True)
    replaced = models.IntegerField(default=0)
    loaded_again = models.IntegerField(default=0)
    added = models.IntegerField(default=0)

    class Meta:
        db_table = "blockalloc_watch"

    def __str__(self) -> str:
        return f"watch of block time {self.pk}"


class SeenLoad(models.Model):
    """A load that keep_ready saw: VCL deletes a reload's history with the reload.

    It began at `begun`, by the load log (`begun_is_exact`) or by the request. It was at work in the look of `at_work`,
    and over in that of `over` (None: not yet). `outcome` says what the computer held or was then.
    """

    AT_WORK, LOADED, FAILED, DROPPED, UNKNOWN = "at work", "loaded", "failed", "dropped", "unknown"
    OUTCOMES: ClassVar[tuple[str, ...]] = (AT_WORK, LOADED, FAILED, DROPPED, UNKNOWN)

    request_id = models.PositiveIntegerField()
    computer_id = models.PositiveIntegerField()
    hostname = models.CharField(max_length=NAME)
    image_id = models.PositiveIntegerField()
    revision_id = models.PositiveIntegerField()
    node_id = models.PositiveIntegerField(null=True)
    provisioning = models.CharField(max_length=60, default="")
    block_time_id = models.PositiveIntegerField(null=True)
    begun = models.DateTimeField(db_index=True)
    begun_is_exact = models.BooleanField(default=False)
    at_work = models.DateTimeField()
    over = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, default=AT_WORK)

    class Meta:
        db_table = "blockalloc_seen_load"
        constraints = [
            models.UniqueConstraint(fields=["request_id", "computer_id", "begun"], name="blockalloc_seen_load_of")
        ]
        indexes = [
            models.Index(fields=["outcome", "over"], name="blockalloc_seen_load_over"),
            models.Index(fields=["revision_id", "outcome", "over"], name="blockalloc_seen_load_of_rev"),
            models.Index(fields=["image_id", "begun"], name="blockalloc_seen_load_of_image"),
        ]

    def __str__(self) -> str:
        return f"load of image {self.image_id} on {self.hostname}"


class ImageTrust(models.Model):
    """When staff last said that an image may be loaded again ("Put right now"): failures before that don't count."""

    image_id = models.PositiveIntegerField(primary_key=True)
    trusted = models.DateTimeField()

    class Meta:
        db_table = "blockalloc_image_trust"

    def __str__(self) -> str:
        return f"trust in image {self.pk}"


class ClassHeld(models.Model):
    """A class that took place, in one row that outlives those of VCL.

    `wanted`, `had` and the machines that were ready at the start and five minutes later (None: nobody looked then);
    what keep_ready did; `asked_by`: the door and the person of the last allocation. When it is over: the computers that
    were used at the peak, and in the mean. `closed`: no look is to come. `said_at_allocation`, `said_last`: the
    probability that all is ready, as the last allocation said it, and as the last look did that came half an hour
    before the start or earlier (None: nothing was said).
    """

    block_time_id = models.PositiveIntegerField(primary_key=True)
    block_request_id = models.PositiveIntegerField()
    block_name = models.CharField(max_length=80)
    image_id = models.PositiveIntegerField()
    image_name = models.CharField(max_length=60)
    user_group = models.CharField(max_length=NAME)
    owner = models.CharField(max_length=NAME)
    affiliation_id = models.IntegerField(null=True)
    start = models.DateTimeField(db_index=True)
    end = models.DateTimeField(db_index=True)
    wanted = models.IntegerField()
    had = models.IntegerField()
    ready_at_start = models.IntegerField(null=True)
    ready_after_five = models.IntegerField(null=True)
    replaced = models.IntegerField(default=0)
    loaded_again = models.IntegerField(default=0)
    added = models.IntegerField(default=0)
    asked_by = models.CharField(max_length=NAME, default="")
    used_at_peak = models.IntegerField(null=True)
    used_in_the_mean = models.FloatField(null=True)
    said_at_allocation = models.FloatField(null=True)
    said_last = models.FloatField(null=True)
    closed = models.BooleanField(default=False)

    objects = ClassHeldQuerySet.as_manager()

    class Meta:
        db_table = "blockalloc_class_held"

    def __str__(self) -> str:
        return f"{self.block_name} of {self.start}"
