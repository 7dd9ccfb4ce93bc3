"""The staff accounts that are linked to accounts of VCL."""

from django.conf import settings
from django.db import models


class StaffAccount(models.Model):
    """A staff account that was created at the first sign-in of a user of VCL.

    Only VCL's tables decide whether they may sign in and what they may see. `vcl_user_id` is the id of a row of VCL's
    `user`, without a foreign key, since VCL may delete the user. `digest` represents the password of the last sign-in;
    "" when all sessions have been ended.
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
