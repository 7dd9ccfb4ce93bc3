"""`manage.py load_demo_site`: fill an empty database with a site to try the service on."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from blockalloc.demo.calls import make_calls
from blockalloc.demo.database import Mark, check_in_management_nodes, load, read_mark
from blockalloc.demo.people import PASSWORD
from blockalloc.demo.rows import FIRST_ID
from blockalloc.demo.safeguard import NotTheDemo, require_demo
from blockalloc.forecasting.forecasts import refresh
from blockalloc.models import LocalAuth
from blockalloc.site_time import local_to_instant

_ADMIN = "demo"
_ADMIN_MAIL = "demo@example.edu"
_COUNTED = (
    ("computers", "computer", ""),
    ("  of these, virtual machines", "computer", "WHERE `type` = 'virtualmachine'"),
    ("images", "image", ""),
    ("users", "user", ""),
    ("past reservations", "log", ""),
    ("reservations now and to come", "request", "WHERE `stateid` <> 19"),
    ("series of classes", "blockRequest", ""),
    ("classes to come", "blockTimes", ""),
    ("computers allocated to them", "blockComputers", ""),
    ("decisions on record", "blockalloc_decision", ""),
)


class Command(BaseCommand):
    """Load the demo site; see `blockalloc.demo`."""

    help = "Fill an empty database with a demo site: a small university with its classes of next week."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--again", action="store_true", help="replace the demo site with a new one")
        how.add_argument(
            "--if-needed", action="store_true", help="do nothing if the demo site is loaded and its classes are ahead"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do what the options say."""
        try:
            require_demo()
            self._load(again=options["again"], if_needed=options["if_needed"])
        except NotTheDemo as error:
            raise CommandError(str(error), returncode=2) from error

    def _load(self, *, again: bool, if_needed: bool) -> None:
        mark = self._mark()
        now = timezone.now()
        stale = mark is not None and mark.stale(now)
        if stale:
            self.stdout.write("The demo site is out of date: its class to try is over, or about to begin.")
        if mark and not stale and if_needed:
            self.stdout.write("The demo site is loaded and current.")
            # Its management nodes have been silent since the demo was last run.
            check_in_management_nodes(now, mark)
        elif mark and not (again or if_needed):
            raise CommandError("the demo site is loaded: use --again to replace it with a new one", returncode=2)
        else:
            self._load_now()
        refresh(int(now.timestamp()))
        self._summary()

    def _load_now(self) -> None:
        if get_user_model()._meta.db_table not in connection.introspection.table_names():
            raise CommandError("this database is not set up yet: run manage.py migrate first", returncode=2)
        load(timezone.now())
        user, created = get_user_model().objects.get_or_create(
            username=_ADMIN, defaults={"is_staff": True, "is_superuser": True, "email": _ADMIN_MAIL}
        )
        if created:
            user.set_password(_ADMIN)
            user.save()
        make_calls()
        self.stdout.write(self.style.SUCCESS("The demo site is loaded."))

    def _summary(self) -> None:
        write = self.stdout.write
        for label, table, condition in _COUNTED:
            write(f"  {label:<32}{_count(table, condition):>6}")
        first, (start, end) = FIRST_ID, _class_to_try()
        seconds = f"{start.timestamp():.0f}, {end.timestamp():.0f}"
        write(f"""
To try:
  /admin/     staff pages: user {_ADMIN}, password {_ADMIN} (a Django superuser made for the demo),
              or VCL's own account {_manager()}, password {PASSWORD} (of the lab's staff)
  /xmlrpc/    the back end's calls: X-User vclsystem@Local, X-Pass {PASSWORD}, X-APIVERSION 2
  the CS101 class of next Monday, {start:%Y-%m-%d %H:%M} to {end:%H:%M}: 20 machines of Ubuntu 22.04
    XMLRPCblockAllocation({first}, {seconds}, 20, {first}, 0, {first})
    image {first}, start, end, machines, user group {first}, ignore privileges (0 or 1), block time {first}""")

    def _mark(self) -> Mark | None:
        try:
            return read_mark()
        except DatabaseError as error:
            text = f"cannot read VCL's tables: run 'manage.py migrate' first ({error})"
            raise CommandError(text, returncode=2) from error


def _count(table: str, condition: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM `{table}` {condition}")  # noqa: S608 - names are our own
        return int(cursor.fetchone()[0])


def _manager() -> str:
    """The name of the member of the lab's staff who has a password."""
    accounts = LocalAuth.objects.filter(user_id__gte=FIRST_ID).select_related("user__affiliation")
    return str(accounts.order_by("user_id")[0].user)


def _class_to_try() -> tuple[datetime, datetime]:
    """Start and end of the first class of next week."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT `start`, `end` FROM `blockTimes` WHERE `id` = %s", [FIRST_ID])
        start, end = (local_to_instant(datetime.fromisoformat(str(value))) for value in cursor.fetchone())
    return start, end
