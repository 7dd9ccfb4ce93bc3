"""The guard: the row that puts transactions in an order."""

from typing import ClassVar

from django.db import models


class Guard(models.Model):
    """One row, with id 1, that every transaction that allocates computers writes first.

    Writing a row serializes these transactions both on one server and on a cluster of servers; locking a row, or a
    named lock, does not on a cluster. `n` counts them.
    """

    ROW: ClassVar[int] = 1

    id = models.SmallIntegerField(primary_key=True)
    n = models.BigIntegerField(default=0)

    class Meta:
        db_table = "blockalloc_guard"

    def __str__(self) -> str:
        return f"guard {self.n}"
