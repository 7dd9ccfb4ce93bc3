"""The record of what the service decided, and why: for staff today and for an auditor in a year.

Names are kept as text: a record outlives the rows of VCL that it names.
"""

from typing import ClassVar

from django.db import models

from blockalloc.models.querysets import DecisionQuerySet

NAME = 190  # characters: `unityid@affiliation` fits, and an index of four such columns too


class Decision(models.Model):
    """One call: of the back end, of a command, of staff. Rows are added and, when they are old, pruned; never changed.

    `caller` is the calling account (SPEC 2.1), `person` who was at the keyboard, where that is known. `started` is
    the time of the call, `duration` the milliseconds from there until the record was written. `code` is the number
    of a refusal or of a warning, `text` its words, or what an action did. `owner` and `affiliation_id` are those of
    the block request. `findings` tell of each computer (blockalloc.store.findings); `roster` has their names.
    """

    ALLOCATE, DRY_RUN, RELEASE, SKIP, UNSKIP = "allocate", "dry run", "release", "skip", "unskip"
    ACTIONS: ClassVar[tuple[str, ...]] = (ALLOCATE, DRY_RUN, RELEASE, SKIP, UNSKIP)
    REFUSED, FAILED, DONE = "refused", "failed", "done"
    OUTCOMES: ClassVar[tuple[str, ...]] = ("success", "warning", "completed", DONE, REFUSED, FAILED)

    started = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=16)
    door = models.CharField(max_length=60)
    caller = models.CharField(max_length=NAME)
    person = models.CharField(max_length=NAME)
    address = models.CharField(max_length=60)
    parameters = models.TextField()  # JSON
    outcome = models.CharField(max_length=16)
    code = models.IntegerField(null=True)
    text = models.TextField()
    block_time_id = models.IntegerField(null=True)
    block_request_id = models.IntegerField(null=True)
    block_name = models.CharField(max_length=80)
    block_start = models.DateTimeField(null=True, db_index=True)
    block_end = models.DateTimeField(null=True)
    image_id = models.IntegerField(null=True)
    image_name = models.CharField(max_length=60)
    user_group = models.CharField(max_length=NAME)
    owner = models.CharField(max_length=NAME)
    affiliation_id = models.IntegerField(null=True)
    wanted = models.SmallIntegerField(null=True)
    had = models.SmallIntegerField(null=True)
    allocated = models.SmallIntegerField(null=True)
    duration = models.IntegerField()
    retries = models.SmallIntegerField(default=0)
    waits = models.SmallIntegerField(default=0)
    version = models.CharField(max_length=60)
    roster_id = models.BigIntegerField(null=True)
    findings = models.BinaryField(null=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        db_table = "blockalloc_decision"
        indexes = [
            models.Index(fields=["block_time_id", "id"], name="blockalloc_decision_of_time"),
            models.Index(fields=["block_request_id", "id"], name="blockalloc_decision_of_request"),
            models.Index(fields=["affiliation_id", "id"], name="blockalloc_decision_of_affil"),
            # What is searched, in one index: the rows with their findings need not be read.
            models.Index(fields=["block_name", "caller", "person", "user_group"], name="blockalloc_decision_search"),
        ]

    def __str__(self) -> str:
        return f"decision {self.pk}"


class Roster(models.Model):
    """The computers of the site by name, as many decisions refer to it: it changes only when a computer does.

    `id` is made of what it says, so that equal ones are one row; `names` is compressed JSON. `seen` is moved on
    while decisions refer to it, and it is pruned after the last of them.
    """

    id = models.BigIntegerField(primary_key=True)
    seen = models.DateTimeField(db_index=True)
    names = models.BinaryField()

    class Meta:
        db_table = "blockalloc_roster"

    def __str__(self) -> str:
        return f"roster {self.pk}"
