"""`manage.py remove_claims`: none of the service's rows stays in VCL's table `semaphore`, and all of VCL's do."""

from collections.abc import Iterator
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from tests.support.sites.class_site import NOW, class_site, put_semaphore, semaphore_procids

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Computers 10 to 15. It is eight o'clock."""
    with class_site():
        yield


def removed(*options: str) -> str:
    """What the command printed."""
    out = StringIO()
    call_command("remove_claims", *options, stdout=out)
    return out.getvalue()


def test_past_ones_of_ours_go_and_those_of_vcl_stay() -> None:
    for computer, procid in enumerate(
        ("blockalloc:a", "blockalloc-held:b", "blockalloc-held:keep_ready.c", "past"), 10
    ):
        put_semaphore(computer, procid, -5)
    put_semaphore(14, "live", 60)
    assert removed() == "3 rows removed.\n"
    assert semaphore_procids() == ["live", "past"]
    assert removed() == "0 rows removed.\n"


def test_live_ones_stay() -> None:
    put_semaphore(10, "blockalloc-held:b", 60)
    with pytest.raises(CommandError, match="some rows are live until 08:01:00: run this again then") as refusal:
        removed()
    assert refusal.value.returncode == 1
    assert semaphore_procids() == ["blockalloc-held:b"]


def test_live_ones_are_waited_for() -> None:
    put_semaphore(10, "blockalloc-held:b", 2)
    with time_machine.travel(NOW, tick=True):
        assert removed("--wait", "30") == "1 row removed.\n"
    assert semaphore_procids() == []


@pytest.mark.parametrize("seconds", ["-1", "x", "3601", "1.5"])
def test_seconds_that_are_none(seconds: str) -> None:
    with pytest.raises(CommandError, match="give seconds from 0 to 3600"):
        removed(f"--wait={seconds}")
