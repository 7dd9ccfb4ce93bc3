"""A believable site to try the service on: VCL's tables filled for a small university.

Pure data: `build` gives the rows, `blockalloc.demo.database` puts them into a database.
Every call gives the same rows except for the dates, which are relative to today.

| module | content |
|---|---|
| `safeguard` | nothing of the demo writes to a site that is not the demo's |
| `back_end` | the double of VCL's back end on this site |
| `past_classes` | what came of the classes of the last half year: rows of our own, beside VCL's |
| `walk_ins` | classes that begin soon, booked while the site runs |
| `morning` | the morning of a class in fast motion, on a copy of the site |
"""

import json
from datetime import datetime, timedelta

from blockalloc.demo.bookings import Booker, Calendar, add_current, add_future
from blockalloc.demo.classes import COURSES, add_classes, add_special_requests
from blockalloc.demo.history import add_history
from blockalloc.demo.inventory import add_inventory
from blockalloc.demo.people import STAFF, add_people
from blockalloc.demo.privileges import add_privileges
from blockalloc.demo.rows import ADMIN, FIRST_ID, Rows, Tables

# The row of VCL's `variable` table by which the demo site is recognised.
MARK = "blockalloc demo site"
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def build(now: datetime) -> Tables:
    """The demo site's rows by table. `now` is an aware time in the site's zone."""
    local = now.replace(tzinfo=None, microsecond=0)
    monday = next_monday(local)
    rows = Rows()
    who = add_people(rows, local)
    inventory = add_inventory(rows, now.replace(microsecond=0), who.groups[STAFF])
    add_privileges(rows, inventory, who)
    add_history(rows, inventory, who, local)
    booker = Booker(rows, inventory, Calendar(), local)
    add_current(booker, who)
    add_classes(booker, who, monday)
    add_future(booker, who, monday)
    add_special_requests(booker, who, monday, _add_maintenance(rows, local))
    # A class that is about to begin has no time left for its loads.
    _mark(rows, local, until=COURSES[0].times(monday)[0][0] - timedelta(hours=2))
    return rows.tables


def next_monday(now: datetime) -> datetime:
    """Midnight at the beginning of next week."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=7 - today.weekday())


def _add_maintenance(rows: Rows, now: datetime) -> datetime:
    """Close the site on the next Sunday night that is at least a day away; gives the window's start."""
    soonest = now + timedelta(days=1)
    sunday = soonest.replace(hour=23, minute=0, second=0) + timedelta(days=6 - soonest.weekday())
    rows.add(
        "sitemaintenance",
        start=sunday,
        end=sunday + timedelta(hours=4),
        ownerid=ADMIN,
        created=now - timedelta(days=9),
        reason="Firmware of the storage system",
        usermessage="The storage system is being updated; no reservations are possible in these hours.",
        informhoursahead=72,
        allowreservations=0,
    )
    return sunday


def _mark(rows: Rows, now: datetime, until: datetime) -> None:
    """Note that this is the demo, until when its dates are of use, and which rows are its own."""
    last_ids = {table: FIRST_ID + len(its) - 1 for table, its in rows.tables.items() if "id" in its[0]}
    mark = {"current_until": until.strftime(TIME_FORMAT), "last_ids": last_ids}
    rows.add("variable", name=MARK, serialization="none", value=json.dumps(mark), setby="load_demo_site", timestamp=now)
