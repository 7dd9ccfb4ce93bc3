"""A database of their own for programs outside pytest: they replace all rows, so never on a database in use."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.support.servers.kinds import Kind
from tests.support.servers.mariadb_server import SECRET_KEY, PrivateMariaDB


@contextmanager
def private_database(
    *, mariadb: bool, arguments: Sequence[str] = (), kind: Kind | None = None
) -> Iterator[PrivateMariaDB | None]:
    """A new database with VCL's tables and ours, as Django's; gives the server when there is one.

    To be entered before anything reads Django's settings. `arguments` are the server's, `kind` says which server it
    is. Raises MariaDBUnavailable when it cannot be started.
    """
    with ExitStack() as stack:
        server, kind = None, kind or Kind()
        if mariadb:
            server = kind.server()
            stack.callback(server.stop)
            server.start([*arguments, *kind.arguments()])
            server.execute("CREATE DATABASE vcl CHARACTER SET latin1")  # as VCL makes it
            os.environ["DATABASE_URL"] = kind.url(server, "vcl")
        else:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            os.environ["DATABASE_URL"] = f"sqlite:///{directory}/private.sqlite3"
        os.environ["DJANGO_SECRET_KEY"] = SECRET_KEY
        os.environ["DJANGO_SETTINGS_MODULE"] = "vclsite.settings"
        _set_up(kind)
        yield server


def _set_up(kind: Kind) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    kind.prepare()
    call_command("migrate", verbosity=0)
