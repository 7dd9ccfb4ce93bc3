"""Looks of several hosts at the same moment: what is news is told once, whoever tells it."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blockalloc.models import BlockTime, News, Standing
from tests.support.connections import shared_database
from tests.support.servers.own_process import ROOT, inherited
from tests.support.sites.back_end_stage import at
from tests.support.sites.class_site import ZONE
from tests.support.sites.forecasts import forecast_run, foresee
from tests.support.sites.morning import END, START
from tests.support.sites.still_morning import CLASS, still_morning

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]

HOSTS, CLASSES = 3, 12
MINUTE, HOUR, DAY = 60, 3600, 86400
_CODE = """
import sys
import django
django.setup()
from django.db import connection
from blockalloc.notifications.{module} import {act}
connection.ensure_connection()
print("ready", flush=True)
for moment in sys.stdin:
    try:
        print({act}(int(moment)), flush=True)
    except django.db.OperationalError:  # the next look tells it
        print(0, flush=True)
"""


def test_each_news_is_told_once(tmp_path: Path) -> None:
    """All hosts look at the same moments, in which all classes get into trouble."""
    with still_morning(computers=4 + 2 * CLASSES) as site:
        site.allocate()
        for id_ in range(20, 20 + CLASSES):
            site.block_time(id_, START, END)
            assert site.allocate(block_time=id_) == 2
        hosts = _hosts(tmp_path, "observing", "observe")
        made = [_observe(hosts, at(clock)) for clock in ("13:52", "13:53", "14:00", "14:01") for _ in range(2)]
        for host in hosts:
            host.communicate(timeout=60)
    kinds = {
        id_: [*News.objects.filter(block_time_id=id_).order_by("id").values_list("kind", flat=True)]
        for id_ in (CLASS, *range(20, 20 + CLASSES))
    }
    assert kinds == {id_: ["at risk", "not ready"] for id_ in kinds}
    assert sum(made) == News.objects.count()
    assert Standing.objects.count() == 1 + CLASSES
    assert Counter(each.version for each in Standing.objects.all()) == {1: 1 + CLASSES}


def test_what_the_forecast_sees_is_told_once(tmp_path: Path) -> None:
    """All hosts find the same forecast, which sees all classes short, and later none."""
    with still_morning() as site:
        begin, starts = at("09:00"), START + 2 * DAY
        moments = [begin, begin + 10 * MINUTE, begin + DAY, begin + DAY + 10 * MINUTE]
        for id_ in range(20, 20 + CLASSES):
            site.block_time(id_, starts, starts + HOUR)
        hosts, made = _hosts(tmp_path, "foreseeing", "tell"), []
        for moment in moments:
            machines = 1 if moment < begin + DAY else 2
            forecast_run(_moment(moment))
            for time in BlockTime.objects.filter(pk__gte=20).select_related("blockRequest"):
                foresee(time, machines, wanted=2)
            made += [_observe(hosts, moment) for _ in range(2)]
        for host in hosts:
            host.communicate(timeout=60)
    assert made[0] == made[1] == made[4] == made[5] == 0
    assert sum(made) == News.objects.count() == 2 * CLASSES
    for id_ in range(20, 20 + CLASSES):
        told = News.objects.filter(block_time_id=id_).order_by("id")
        assert [*told.values_list("kind", flat=True)] == ["foreseen", "foreseen over"]
    assert {each.version for each in Standing.objects.all()} == {1}


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def _hosts(folder: Path, module: str, act: str) -> "list[subprocess.Popen[str]]":
    """Processes that look whenever they are told to."""
    variables = {
        "DATABASE_URL": shared_database(), "VCL_TIME_ZONE": ZONE, "DJANGO_SETTINGS_MODULE": "vclsite.settings",
        "VCL_ALLOW_UNSAFE_SETTINGS": "1",
    }  # fmt: skip
    hosts, code = [], _CODE.format(module=module, act=act)
    for number in range(HOSTS):
        with (folder / f"{number}.log").open("w") as log:
            host = subprocess.Popen(
                [sys.executable, "-c", code], cwd=ROOT, env=inherited() | variables, text=True, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        hosts.append(host)
    for host in hosts:
        assert host.stdout is not None
        assert host.stdout.readline() == "ready\n", (folder / f"{hosts.index(host)}.log").read_text()
    return hosts


def _observe(hosts: "list[subprocess.Popen[str]]", now: int) -> int:
    """How many news they make who look at the same moment."""
    for host in hosts:
        assert host.stdin is not None
        host.stdin.write(f"{now}\n")
        host.stdin.flush()
    return sum(int(host.stdout.readline()) for host in hosts if host.stdout is not None)
