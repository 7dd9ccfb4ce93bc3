"""The row that decides between callers."""

from typing import ClassVar

from django.db import models


class Guard(models.Model):
    """One row, id 1, written first by every transaction that looks for free computers.

    A written row orders such transactions on one server and on a cluster of servers alike; a row that is only
    locked, or a named lock, does not on a cluster. `n` counts them.
    """

    ROW: ClassVar[int] = 1

    id = models.SmallIntegerField(primary_key=True)
    n = models.BigIntegerField(default=0)

    class Meta:
        db_table = "blockalloc_guard"

    def __str__(self) -> str:
        return f"guard {self.n}"
