"""Nothing of the demo writes to a site that is not the demo's."""

import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from pytest_django import Settings

from blockalloc.demo import MARK
from blockalloc.demo.back_end import DemoBackEnd
from blockalloc.demo.database import Mark, check_in_management_nodes, load
from blockalloc.demo.morning import play
from blockalloc.demo.safeguard import NotTheDemo
from blockalloc.demo.walk_ins import book_if_none_is_near
from blockalloc.models import BlockTime, Variable
from simulation.back_end.conditions import Result
from tests.support.empty_site import Site
from tests.support.servers.own_process import ROOT, run
from tests.support.sites import demo

DOUBLES = ["run_demo_back_end", "play_demo_morning"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose demo is not the developer's."""
    for name in ("blockalloc", "scheduling", "simulation", "vclsite"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


def refusal(done: CompletedProcess[str]) -> str:
    """The text with which a command refused to run."""
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_real_site_that_was_just_migrated_stays_as_it_is(site: Site, checkout: Path) -> None:
    assert site.migrate().returncode == 0
    before = site.all_contents()
    assert "blockalloc_guard" in before
    real = {"DATABASE_URL": site.url, "VCL_ALLOW_UNSAFE_SETTINGS": "1"}
    for command in ("load_demo_site", *DOUBLES):
        said = refusal(run("manage.py", command, **real))
        assert "this is for the demo site only" in said
        assert "BLOCKALLOC_DEMO=1" in said
        assert site.all_contents() == before
    # The same with the demo asked for, in a checkout where it was not set up: DATABASE_URL does not count.
    for command in ("load_demo_site", *DOUBLES):
        refusal(run(str(checkout / "manage.py"), command, BLOCKALLOC_DEMO="1", **real))
        assert site.all_contents() == before
    assert (checkout / "var" / "demo.sqlite3").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("command", DOUBLES)
def test_the_doubles_refuse_a_database_without_the_mark(command: str, demo_process: None) -> None:
    demo.load()
    Variable.objects.filter(name=MARK).delete()
    before = list(BlockTime.objects.values())
    with pytest.raises(CommandError, match=r"no demo site: run manage\.py load_demo_site") as refused:
        call_command(command, stdout=StringIO())
    assert refused.value.returncode == 2
    assert list(BlockTime.objects.values()) == before


@pytest.mark.django_db
@pytest.mark.parametrize("options", [(), ("--again",), ("--if-needed",)])
def test_nothing_is_loaded_where_the_demo_is_not_run(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="this is for the demo site only") as refused:
        demo.load(*options)
    assert refused.value.returncode == 2
    assert not Variable.objects.filter(name=MARK).exists()
    assert not get_user_model().objects.exists()


@pytest.mark.django_db(transaction=True)
def test_every_part_that_writes_refuses_by_itself(settings: Settings, demo_process: None) -> None:
    demo.load()
    settings.BLOCKALLOC_DEMO = False
    now = demo.WEDNESDAY
    parts: list[Callable[[], object]] = [
        lambda: load(now),
        lambda: check_in_management_nodes(now, Mark(now, {"managementnode": 101})),
        lambda: DemoBackEnd(lambda _computer, _image, _chance: Result.LOADED),
        lambda: book_if_none_is_near(int(now.timestamp())),
        lambda: play(print),
    ]
    for part in parts:
        with pytest.raises(NotTheDemo, match="BLOCKALLOC_DEMO=1"):
            part()
