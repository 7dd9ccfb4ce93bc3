"""Which of the staff's accounts stand for accounts of VCL."""

from django.conf import settings
from django.db import models


class StaffAccount(models.Model):
    """A staff account that was made for a user of VCL when it first signed in.

    Only VCL's tables say whether it gets in and what it may see. `vcl_user_id` is a row of VCL's `user`; without a
    foreign key, for VCL may delete the user. `digest` stands for the password of the last sign-in; an empty one:
    all sessions have been ended.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    vcl_user_id = models.PositiveIntegerField(unique=True)
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "blockalloc_staffaccount"
        verbose_name = "account of VCL among the staff"
        verbose_name_plural = "accounts of VCL among the staff"

    def __str__(self) -> str:
        return f"VCL user {self.vcl_user_id}"
