"""Decision records, the audit log: what the service decided, and why.

Names are stored as text, since a record outlives the rows of VCL that it names.
"""

from typing import ClassVar

from django.db import models

from blockalloc.models.querysets import DecisionQuerySet

NAME = 190  # characters: `unityid@affiliation` fits, and an index of four such columns too


class Decision(models.Model):
    """One call: of the back end, of a command, of staff. Rows are added and, when old, pruned; never changed.

    `caller` is the calling account (SPEC 2.1), `person` the staff account or the login of the shell, if known.
    `started` is the time of the call, `duration` the milliseconds from then until the record was written. `code` is
    the number of a refusal or a warning; `text` is its text, or what an action did. `parameters` of a release or a skip
    have the `reason` that the person gave, those of "release some" the ids of the computers that left; of that one
    `wanted` is how many machines the class is to have from then on. `owner` and `affiliation_id` are those of the block
    request. `findings` has the finding about each computer (blockalloc.store.findings), the roster
    their names. `ready`, `late`, `minutes`: what was said of the class (scheduling.reloads.outlook), None under policy
    `vcl`. `spares`: machines that were taken beyond `wanted`, below 0 for those that were given back, None for none.
    `request_id`: what the log lines of the HTTP request, the command or the look of `keep_ready` have too. One of them
    may leave several records; None where nobody gave an id.
    """

    ALLOCATE, DRY_RUN, RELEASE, SKIP, UNSKIP = "allocate", "dry run", "release", "skip", "unskip"
    RELEASE_SOME, KEEP_READY, HOLDING = "release some", "keep ready", "holding"
    ACTIONS: ClassVar[tuple[str, ...]] = (
        ALLOCATE, DRY_RUN, RELEASE, RELEASE_SOME, SKIP, UNSKIP, KEEP_READY, HOLDING,
    )  # fmt: skip
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
    ready = models.FloatField(null=True)
    late = models.FloatField(null=True)
    minutes = models.IntegerField(null=True)
    spares = models.SmallIntegerField(null=True)
    duration = models.IntegerField()
    retries = models.SmallIntegerField(default=0)
    waits = models.SmallIntegerField(default=0)
    version = models.CharField(max_length=60)
    request_id = models.CharField(max_length=64, null=True)
    roster_id = models.BigIntegerField(null=True)
    findings = models.BinaryField(null=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        db_table = "blockalloc_decision"
        indexes = [
            models.Index(fields=["block_time_id", "id"], name="blockalloc_decision_of_time"),
            models.Index(fields=["block_request_id", "id"], name="blockalloc_decision_of_request"),
            models.Index(fields=["affiliation_id", "id"], name="blockalloc_decision_of_affil"),
            # The columns of the search, in one index, so that rows with their findings need not be read.
            models.Index(fields=["block_name", "caller", "person", "user_group"], name="blockalloc_decision_search"),
            models.Index(fields=["request_id"], name="blockalloc_decision_request_id"),
        ]

    def __str__(self) -> str:
        return f"decision {self.pk}"


class Roster(models.Model):
    """The names of the site's computers, shared by all decisions between two changes of the inventory.

    `id` is a hash of the contents, so that equal rosters are one row; `names` is compressed JSON. `seen` is updated
    while new decisions refer to the roster, which is pruned after the last of them.
    """

    id = models.BigIntegerField(primary_key=True)
    seen = models.DateTimeField(db_index=True)
    names = models.BinaryField()

    class Meta:
        db_table = "blockalloc_roster"

    def __str__(self) -> str:
        return f"roster {self.pk}"
