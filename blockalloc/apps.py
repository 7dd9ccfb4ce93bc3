"""The Django application."""

from django.apps import AppConfig


class BlockAllocConfig(AppConfig):
    """Block allocation on VCL's tables."""

    name = "blockalloc"
    verbose_name = "Block allocation"
    default_auto_field = "django.db.models.BigAutoField"
