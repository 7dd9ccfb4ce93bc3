"""The Django application."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BlockAllocConfig(AppConfig):
    """Block allocation on VCL's tables."""

    name = "blockalloc"
    verbose_name = "Block allocation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the check of the database."""
        from blockalloc.schema import system_checks  # noqa: F401 - importing it registers the check


class StaffAdminConfig(AdminConfig):
    """Django's admin, with the staff's site as its default."""

    default_site = "blockalloc.pages.site.StaffSite"
