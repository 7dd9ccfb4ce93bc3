"""The Django application."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import pre_migrate


class BlockAllocConfig(AppConfig):
    """Block allocation on VCL's tables."""

    name = "blockalloc"
    verbose_name = "Block allocation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks of the database, before migrations and before those that go back; look at connections."""
        from django.db.backends.signals import connection_created

        from blockalloc import check_ins
        from blockalloc.schema import going_back, system_checks  # noqa: F401 - importing it registers the check

        pre_migrate.connect(going_back.refuse_without_rights, sender=self)
        connection_created.connect(check_ins.look, dispatch_uid="blockalloc.check_ins")


class StaffAdminConfig(AdminConfig):
    """Django's admin, with the staff's site as its default."""

    default_site = "blockalloc.pages.site.StaffSite"
