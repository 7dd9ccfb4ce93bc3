"""A database of their own for programs outside pytest: they replace all rows, so never on a database in use."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.support.servers.mariadb_server import SECRET_KEY, PrivateMariaDB


@contextmanager
def private_database(*, mariadb: bool, arguments: Sequence[str] = ()) -> Iterator[PrivateMariaDB | None]:
    """A new database with VCL's tables and ours, as Django's; gives the server when there is one.

    To be entered before anything reads Django's settings. `arguments` are the server's. Raises
    MariaDBUnavailable when it cannot be started.
    """
    with ExitStack() as stack:
        server = None
        if mariadb:
            server = PrivateMariaDB()
            stack.callback(server.stop)
            server.start(arguments)
            server.execute("CREATE DATABASE vcl CHARACTER SET latin1")  # as VCL makes it
            os.environ["DATABASE_URL"] = server.url("vcl")
        else:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            os.environ["DATABASE_URL"] = f"sqlite:///{directory}/private.sqlite3"
        os.environ["DJANGO_SECRET_KEY"] = SECRET_KEY
        os.environ["DJANGO_SETTINGS_MODULE"] = "vclsite.settings"
        _set_up()
        yield server


def _set_up() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
