"""Fuzz the XML-RPC door for long, on a database of its own."""

import argparse
import json
import logging
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.support.servers.mariadb_server import SECRET_KEY, MariaDBUnavailable, PrivateMariaDB


def main() -> int:
    """Exit status 0 when every promise held, 1 when one was broken, 2 when the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="python -m verification.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=20000, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--sockets", type=int, default=0, metavar="N", help="and so many to a real server")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed makes the same requests")
    parser.add_argument(
        "--front-end", action="store_true", help="most of them calls that are passed on, to a double of VCL's front end"
    )
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB server instead of SQLite")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="send what FILE holds, nothing else")
    parser.add_argument(
        "--save", type=Path, default=Path("var"), metavar="DIR", help="where to save what breaks a promise"
    )
    options = parser.parse_args()
    options.save.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        # The fuzzer replaces all rows, so never in a database in use.
        try:
            os.environ["DATABASE_URL"] = _database(stack, mariadb=options.mariadb)
        except MariaDBUnavailable as error:
            parser.error(f"--mariadb: {error}")
        os.environ["DJANGO_SECRET_KEY"] = SECRET_KEY  # without one of its own no site starts on a database server
        os.environ["DJANGO_SETTINGS_MODULE"] = "vclsite.settings"
        return _fuzz(options)


def _database(stack: ExitStack, *, mariadb: bool) -> str:
    if not mariadb:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        return f"sqlite:///{directory}/fuzz.sqlite3"
    server = stack.enter_context(PrivateMariaDB())
    server.execute("CREATE DATABASE vcl CHARACTER SET latin1")  # as VCL makes it
    return server.url("vcl")


def _fuzz(options: argparse.Namespace) -> int:
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger("django.request").setLevel(logging.WARNING)
    call_command("migrate", verbosity=0)
    from verification.fuzz.campaign import Campaign
    from verification.fuzz.passed_on.campaign import PassingCampaign
    from verification.fuzz.passed_on.sockets import PassingSocketCampaign
    from verification.fuzz.sockets import SocketCampaign

    def say(text: str) -> None:
        print(text, flush=True)

    saved = json.loads(options.replay.read_text()) if options.replay else {}
    front_end = saved.get("front_end", options.front_end)
    campaign, socket_campaign = (PassingCampaign, PassingSocketCampaign) if front_end else (Campaign, SocketCampaign)
    in_process = campaign(options.seed, options.requests, options.save, say)
    over_sockets = socket_campaign(options.seed, options.sockets, options.save, say)
    with tempfile.TemporaryDirectory() as home:
        if saved:
            tallies = [in_process.replay(saved) if "request" in saved else over_sockets.replay(saved, Path(home))]
        else:
            tallies = [in_process.run()] if options.requests else []
            tallies += [over_sockets.run(Path(home))] if options.sockets else []
    print(*tallies, sep="\n")
    return 1 if any(tally.broken for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
