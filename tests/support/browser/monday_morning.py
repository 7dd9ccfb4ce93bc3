"""The real server with the demo site, twenty minutes before Monday's class begins, where the clock is stopped."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from tests.support.servers.live_server import LiveServer

ZONE = ZoneInfo("America/New_York")
LOADED = datetime(2026, 11, 27, 12, 0, tzinfo=ZONE)  # a Friday: the demo site's next Monday is that of the moment
MOMENT = datetime(2026, 11, 30, 8, 40, tzinfo=ZONE)

LAB, TUTORIAL, EXAM, EVENING = "CS101 programming lab", "CS101 tutorial", "CS420 midterm exam", "Open evening lab"
SIGNALS, STUDIO = "ENG240 signal processing", "ENG240 design studio"
# The password of each is "demo".
DEMO, VIEWER, ENGINEER, CARETAKER = "demo", "viewer", "efischer@Engineering", "caretaker"


class MondayMorning(LiveServer):
    """Server and database of that moment."""

    def open(self, *, people: bool) -> Self:
        """Make the database and start the server. `people`: with the accounts of the tests, besides "demo"."""
        self.migrate()
        build = f"from tests.support.browser.moment import build; build(people={people})"
        self.manage("shell", "--verbosity", "0", "--command", build)
        return self.start({})

    @property
    def database(self) -> Path:
        """The file of the database."""
        return Path(self.database_url.removeprefix("sqlite:///"))

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        ours = {"DJANGO_SETTINGS_MODULE": "tests.support.browser.settings", "VCL_ALLOW_PLAIN_HTTP": "1"}
        return super()._environment({**ours, "VCL_TIME_ZONE": ZONE.key, **env})
