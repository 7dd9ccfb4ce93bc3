"""Planned reloads: the planned starts of reloads, which VCL deletes with the reloads once computers are loaded."""

from django.db import models


class PlannedReload(models.Model):
    """The reload of a computer of a block time, as this service planned it (SPEC 8.15).

    It is written in the same transaction as the block computer, and is void when `blockComputers` names another reload
    request. It outlives the block computer until the request is gone too: by it, reloads of this service are
    recognised. The ids are those of rows of VCL, without foreign keys, since VCL may delete the rows.
    """

    block_time_id = models.PositiveIntegerField()
    computer_id = models.PositiveIntegerField()
    request_id = models.PositiveIntegerField(db_index=True)
    start = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "blockalloc_planned_reload"
        constraints = [
            models.UniqueConstraint(
                fields=["block_time_id", "computer_id", "request_id"], name="blockalloc_planned_reload_of"
            )
        ]

    def __str__(self) -> str:
        return f"reload request {self.request_id} of computer {self.computer_id} for block time {self.block_time_id}"
