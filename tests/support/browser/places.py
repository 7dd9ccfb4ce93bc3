"""Every page of the staff, with how to get there on the demo site."""

from typing import NamedTuple
from urllib.parse import urlencode

from tests.support.browser.monday_morning import (
    CARETAKER,
    DEMO,
    ENGINEER,
    EVENING,
    EXAM,
    LAB,
    SIGNALS,
    STUDIO,
    TUTORIAL,
    VIEWER,
    MondayMorning,
)
from tests.support.browser.visits import value

# A query for one value, with its parameters.
Key = tuple[str, ...]
_TIME = """SELECT t.id FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid
WHERE r.name = ? ORDER BY t.start"""
_DECISION = "SELECT id FROM blockalloc_decision WHERE action = ? AND block_name = ? ORDER BY id DESC"


class Place(NamedTuple):
    """A page: its address below /admin/ (or one that begins with /), the query for the key in it, the account, the
    status of the response."""

    address: str
    key: Key = ()
    who: str = DEMO
    status: int = 200


def time_of(name: str) -> Key:
    """The first block time of a name."""
    return _TIME, name


def decision(action: str, name: str) -> Key:
    """The latest decision of a kind about a block."""
    return _DECISION, action, name


def request(name: str) -> Key:
    """The block request of a name."""
    return "SELECT id FROM blockRequest WHERE name = ?", name


def address(server: MondayMorning, place: Place) -> str:
    """The page's address on the server."""
    path = place.address.format(value(server, *place.key) if place.key else "")
    return path if path.startswith("/") else f"/admin/{path}"


LOADING = ("SELECT id FROM computer WHERE stateid = (SELECT id FROM state WHERE name = 'reloading')",)
IMAGE = ("SELECT id FROM image WHERE prettyname = 'Ubuntu 22.04'",)
NEVER_LOADED = ("SELECT id FROM image WHERE prettyname = 'Windows Server 2016 (VMware)'",)
RELOAD = ("SELECT reloadrequestid FROM blockComputers WHERE reloadrequestid > 0",)
WAITING = ("SELECT id FROM blockalloc_message WHERE sent IS NULL AND failed IS NULL",)
FAILED = ("SELECT id FROM blockalloc_message WHERE failed IS NOT NULL",)
UNSUBSCRIBE = ("SELECT substr(unsubscribe, length('https://blocks.example.edu') + 1) FROM blockalloc_message",)
SERIES = urlencode({
    "image": "Ubuntu 22.04", "machines": 60, "privileges": "ignored", "days": 0, "begin": "09:00", "end": "11:00",
    "first": "2026-12-07", "weeks": 3,
})  # fmt: skip
FINAL = "CS420 final exam"
SHORT_DAY = (
    "SELECT date(t.start) FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid WHERE r.name = ?",
    FINAL,
)
FEED = ("SELECT id FROM blockalloc_calendar_feed WHERE revoked IS NULL AND NOT is_signed",)
TO_DO = "blockalloc/blocktime/{}/do"

PLACES = {
    "signing in": Place("login/", who=""),
    "first page": Place(""),
    "first page, no classes": Place("", who=CARETAKER),
    "today": Place("today/"),
    "this week": Place("week/"),
    "week that is foreseen": Place("week/?from={}", SHORT_DAY),
    "timeline of a day": Place("timeline/"),
    "timeline of a week": Place("timeline/?zoom=week"),
    "timeline by computer": Place("timeline/?by=computer&busy=1"),
    "timeline of a week by computer": Place("timeline/?zoom=week&by=computer&busy=1"),
    "timeline of all hours, a class open": Place("timeline/?zoom=day&open={}", time_of(LAB)),
    "timeline of a day that is foreseen": Place("timeline/?day={}", SHORT_DAY),
    "timeline without computers": Place("timeline/?by=computer&block=999999"),
    "calendars": Place("feeds/"),
    "to plan a series": Place("plan-series/"),
    "plan of a series": Place(f"plan-series/?{SERIES}"),
    "plan of a series, limited scope": Place(f"plan-series/?{SERIES}", who=ENGINEER),
    "series that can't be planned": Place("plan-series/?image=Ubunto&machines=71&begin=09:00"),
    "request that awaits a decision": Place("blockalloc/blockrequest/{}/change/", request("BIO150 statistics")),
    "calendars, nothing yet": Place("feeds/", who=ENGINEER),
    "to revoke an address": Place("feeds/{}/revoke/", FEED),
    "to revoke an address of before": Place("feeds/before/all/any/revoke/"),
    "week before": Place("week/?from=2026-11-23"),
    "semester": Place("semester/"),
    "semester by month": Place("semester/?by=month&from=2025-12-01&unseen=1"),
    "semester of a series": Place("semester/?series={}&sort=-used", request(SIGNALS)),
    "semester, nothing yet": Place("semester/?by=owner&from=x", who=ENGINEER),
    "block times": Place("blockalloc/blocktime/"),
    "block time that is short": Place("blockalloc/blocktime/{}/change/", time_of(LAB)),
    "block time that was released": Place("blockalloc/blocktime/{}/change/", time_of(STUDIO)),
    "block time to come": Place("blockalloc/blocktime/{}/change/", time_of(TUTORIAL)),
    "block time that will be short": Place("blockalloc/blocktime/{}/change/", time_of(FINAL)),
    "block time that is on": Place("blockalloc/blocktime/{}/change/", time_of(EXAM), who=VIEWER),
    "block requests": Place("blockalloc/blockrequest/"),
    "block request": Place("blockalloc/blockrequest/{}/change/", request(SIGNALS)),
    "decisions": Place("blockalloc/decision/"),
    "decisions about a computer": Place("blockalloc/decision/?computer=cs-22"),
    "decision": Place("blockalloc/decision/{}/change/", decision("allocate", LAB)),
    "decision, one computer": Place("blockalloc/decision/{}/change/?computer=cs-22", decision("allocate", LAB)),
    "decision that says how sure": Place("blockalloc/decision/{}/change/", decision("allocate", TUTORIAL)),
    "release": Place("blockalloc/decision/{}/change/", decision("release", STUDIO)),
    "computers": Place("blockalloc/computer/"),
    "computer": Place("blockalloc/computer/{}/change/", LOADING),
    "images": Place("blockalloc/image/"),
    "image": Place("blockalloc/image/{}/change/", IMAGE),
    "load times": Place("blockalloc/image/{}/load-times/", IMAGE),
    "load times of none": Place("blockalloc/image/{}/load-times/", NEVER_LOADED),
    "predictions": Place("predictions/"),
    "predictions, nothing yet": Place("predictions/", who=ENGINEER),
    "notifications": Place("blockalloc/message/"),
    "notifications of a limited scope": Place("blockalloc/message/", who=ENGINEER),
    "notification that waits": Place("blockalloc/message/{}/change/", WAITING),
    "notification that failed": Place("blockalloc/message/{}/change/", FAILED),
    "to send again": Place("blockalloc/message/{}/send-again/", FAILED),
    "my notifications": Place("notifications/mine/"),
    "my notifications, VCL account": Place("notifications/mine/", who=ENGINEER),
    "unsubscribing": Place("{}", UNSUBSCRIBE, who=""),
    "reloads": Place("blockalloc/request/"),
    "reload": Place("blockalloc/request/{}/change/", RELOAD),
    "to allocate": Place(f"{TO_DO}/allocate/", time_of(LAB)),
    "to try out": Place(f"{TO_DO}/dry-run/", time_of(LAB)),
    "to put right": Place(f"{TO_DO}/put-right/", time_of(LAB)),
    "to put several right": Place("blockalloc/blocktime/put-right/"),
    "to stop holding": Place(f"{TO_DO}/stop-holding/", time_of(LAB)),
    "to release": Place(f"{TO_DO}/release/", time_of(LAB)),
    "to release some": Place(f"{TO_DO}/release-some/?computers=2", time_of(LAB)),
    "what would help": Place("blockalloc/blocktime/{}/help/", time_of(LAB)),
    "roster": Place("blockalloc/blocktime/{}/roster/", time_of(EXAM)),
    "to skip": Place(f"{TO_DO}/skip/", time_of(EVENING)),
    "accounts": Place("auth/user/"),
    "account": Place("auth/user/{}/change/", ("SELECT id FROM auth_user WHERE username = ?", VIEWER)),
    "new account": Place("auth/user/add/"),
    "groups": Place("auth/group/"),
    "new group": Place("auth/group/add/"),
    "own password": Place("password_change/"),
    "not there": Place("blockalloc/nothing/", status=404),
    "not allowed": Place(f"{TO_DO}/release/", time_of(LAB), who=VIEWER, status=403),
    "failing": Place("failing/", status=500),
}
