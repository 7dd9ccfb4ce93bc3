"""Plays days in several processes, each with a database of its own.

Nothing here imports what needs Django's settings before the database is there.
"""

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager

from bench.readiness.cells import Cell, Rows
from bench.readiness.passes import new_keeper
from bench.readiness.played import Played
from simulation.connections import Connection, MariaDBConnection, SQLiteConnection
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.private_database import private_database

_at_exit = ExitStack()  # of a worker: its database
_doubles: list[Connection] = []


@contextmanager
def database(*, mariadb: bool) -> Iterator[Connection]:
    """A private database as Django's, and a connection to it for VCL's programs. Raises MariaDBUnavailable."""
    with private_database(mariadb=mariadb) as server:
        logging.disable(logging.ERROR)  # refusals are part of the days
        doubles = _connect(server)
        try:
            yield doubles
        finally:
            doubles.close()
            logging.disable(logging.NOTSET)


def play_all(
    cells: Sequence[Cell], seeds: Sequence[int], rows: Sequence[Rows], processes: int, *, mariadb: bool
) -> Iterator[tuple[Cell, list[Played]]]:
    """Play the days of these seeds in each cell, with each kind of rows, in so many processes.

    Gives one cell after the other, as soon as all its days have been played. Raises what a day raises.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(mariadb,)) as pool:
        days: list[list[Future[list[Played]]]] = [
            [pool.submit(_play, cell, seed, rows) for seed in seeds] for cell in cells
        ]
        try:
            for cell, theirs in zip(cells, days, strict=True):
                yield cell, [played for day in theirs for played in day.result()]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _begin(mariadb: bool) -> None:
    multiprocessing.util.Finalize(None, _at_exit.close, exitpriority=10)
    _doubles.append(_at_exit.enter_context(database(mariadb=mariadb)))


def _play(cell: Cell, seed: int, rows: Sequence[Rows]) -> list[Played]:
    from bench.readiness.play import play, stage

    with stage():
        return [play(cell, seed, each, _doubles[0], new_keeper()) for each in rows]


def _connect(server: PrivateMariaDB | None) -> Connection:
    from django.db import connection

    if server is not None:
        return MariaDBConnection(server.socket, "vcl", wait=20)
    doubles = SQLiteConnection(str(connection.settings_dict["NAME"]), wait=20)
    doubles.send("PRAGMA synchronous = OFF")  # nothing of the file is to outlive the run
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = OFF")
    return doubles
