"""Stored answers, so that a repeated call creates nothing twice."""

from django.db import models


class IdempotencyKey(models.Model):
    """The answer to a call with an idempotency key. Each user has keys of their own."""

    user = models.CharField(max_length=190)
    key = models.CharField(max_length=200)
    parameters = models.TextField()
    answer = models.IntegerField()
    block_time_id = models.IntegerField()
    created = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "blockalloc_idempotencykey"
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="blockalloc_idempotency_key_of_user")]

    def __str__(self) -> str:
        return f"{self.key} of {self.user}"
