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
import sys, time
import django
django.setup()
from django.db import connection
from blockalloc.notifications.observing import observe
connection.ensure_connection()
print("ready", flush=True)
sys.stdin.readline()
made = 0
for now in map(int, sys.argv[1:]):
    for _ in range(4):
        try:
            made += observe(now)
        except django.db.OperationalError:
            time.sleep(0.05)  # the next look tells it
print(made)
"""


def test_each_news_is_told_once(tmp_path: Path) -> None:
    """All hosts look at the same moments, in which each class gets into trouble and out of it again."""
    with still_morning(computers=4 + 2 * CLASSES) as site:
        site.allocate()
        for id_ in range(20, 20 + CLASSES):
            site.block_time(id_, START, END)
            assert site.allocate(block_time=id_) == 2
        moments = [at("13:52"), at("13:53"), at("14:00"), at("14:01")]
        hosts = _hosts(tmp_path, moments)
        made = [int(_answer(host)) for host in hosts]
    kinds = {
        id_: [*News.objects.filter(block_time_id=id_).order_by("id").values_list("kind", flat=True)]
        for id_ in (CLASS, *range(20, 20 + CLASSES))
    }
    assert kinds == {id_: ["at risk", "not ready"] for id_ in kinds}
    assert sum(made) == News.objects.count()
    assert Standing.objects.count() == 1 + CLASSES
    assert Counter(each.version for each in Standing.objects.all()) == {1: 1 + CLASSES}


def _hosts(folder: Path, moments: list[int]) -> "list[subprocess.Popen[str]]":
    """Processes that begin to look at the same moment."""
    variables = {
        "DATABASE_URL": shared_database(), "VCL_TIME_ZONE": ZONE, "DJANGO_SETTINGS_MODULE": "vclsite.settings",
        "VCL_ALLOW_UNSAFE_SETTINGS": "1",
    }  # fmt: skip
    hosts = []
    for number in range(HOSTS):
        with (folder / f"{number}.log").open("w") as log:
            command = [sys.executable, "-c", _CODE, *map(str, moments)]
            host = subprocess.Popen(
                command, cwd=ROOT, env=inherited() | variables, text=True, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        hosts.append(host)
    for host in hosts:
        assert host.stdout is not None
        assert host.stdout.readline() == "ready\n", (folder / f"{hosts.index(host)}.log").read_text()
    for host in hosts:
        assert host.stdin is not None
        host.stdin.write("\n")
        host.stdin.flush()
    return hosts


def _answer(host: "subprocess.Popen[str]") -> str:
    answer, _ = host.communicate(timeout=120)
    assert host.returncode == 0
    return answer
