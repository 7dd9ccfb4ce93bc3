"""Looks of several hosts at the same moment: what is news is told once, whoever tells it."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from blockalloc.models import News, Standing
from tests.support.connections import shared_database
from tests.support.servers.own_process import ROOT, inherited
from tests.support.sites.back_end_stage import at
from tests.support.sites.class_site import ZONE
from tests.support.sites.morning import END, START
from tests.support.sites.still_morning import CLASS, still_morning

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]

HOSTS, CLASSES = 3, 12
_CODE = """
import sys
import django
django.setup()
from django.db import connection
from blockalloc.notifications.observing import observe
connection.ensure_connection()
print("ready", flush=True)
for moment in sys.stdin:
    try:
        print(observe(int(moment)), flush=True)
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
        hosts = _hosts(tmp_path)
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


def _hosts(folder: Path) -> "list[subprocess.Popen[str]]":
    """Processes that look whenever they are told to."""
    variables = {
        "DATABASE_URL": shared_database(), "VCL_TIME_ZONE": ZONE, "DJANGO_SETTINGS_MODULE": "vclsite.settings",
        "VCL_ALLOW_UNSAFE_SETTINGS": "1",
    }  # fmt: skip
    hosts = []
    for number in range(HOSTS):
        with (folder / f"{number}.log").open("w") as log:
            host = subprocess.Popen(
                [sys.executable, "-c", _CODE], cwd=ROOT, env=inherited() | variables, text=True, stderr=log,
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
