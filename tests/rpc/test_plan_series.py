"""XMLRPCplanBlockSeries: what could be had on each date of a series."""

import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import pytest

from blockalloc.models import Decision, Image, LocalAuth, User, UserGroup
from tests.support.rpc_calls import call
from tests.support.sites.accounts import give_password
from tests.support.sites.demo import demo_site

pytestmark = pytest.mark.django_db(transaction=True)
METHOD = "XMLRPCplanBlockSeries"
WEEK, HOUR = 7 * 86400, 3600
MONDAY = 1796047200  # 30 November, 9:00


@pytest.fixture(autouse=True)
def demo() -> Iterator[None]:
    """The demo site, whose system user may call."""
    with demo_site():
        LocalAuth.objects.filter(user_id=3).delete()
        give_password(User.objects.get(unityid="vclsystem"), b"p4ss")
        yield


def image() -> int:
    return int(Image.objects.get(prettyname="Ubuntu 22.04").pk)


def plan(machines: object, starts: object, ends: object, *, group: object = 0, ignore: object = 1) -> Any:
    return call(METHOD, image(), group, machines, ignore, starts, ends)


def fault(*parameters: object) -> tuple[int, str]:
    with pytest.raises(xmlrpc.client.Fault) as answer:
        call(METHOD, *parameters)
    return answer.value.faultCode, answer.value.faultString


def test_a_struct_for_each_date() -> None:
    answer = plan(60, [MONDAY, MONDAY + 8 * HOUR], [MONDAY + 2 * HOUR, MONDAY + 10 * HOUR])
    first, second = answer
    assert set(first) == {
        "start", "end", "status", "wanted", "possible", "why", "collisions", "suggestions", "searched",
    }  # fmt: skip
    assert (first["start"], first["end"]) == (MONDAY, MONDAY + 2 * HOUR)
    assert (first["status"], first["wanted"], first["possible"], first["searched"]) == ("short", 60, 48, True)
    assert first["why"].startswith("collides with CS101 programming lab")
    (lab,) = [each for each in first["collisions"] if each["kind"] == "block time"]
    assert set(lab) == {"kind", "id", "name", "start", "end", "computers"}
    assert (lab["name"], lab["computers"]) == ("CS101 programming lab", 19)  # one of its 20 is reserved, too
    assert {"kind": "fewer", "machines": 48, "start": MONDAY, "end": MONDAY + 2 * HOUR, "words": "ask for 48"} in first[
        "suggestions"
    ]
    assert second["status"] == "possible"
    assert (second["possible"], second["why"], second["collisions"], second["suggestions"]) == (60, "", [], [])


def test_numbers_come_in_any_form_that_clients_send() -> None:
    (answer,) = plan(
        "20", [str(MONDAY)], [float(MONDAY + HOUR)], group=str(UserGroup.objects.get(name="CS101").pk), ignore=False
    )
    assert answer["possible"] == 20


def test_no_decision_is_recorded() -> None:
    before = Decision.objects.count()
    plan(20, [MONDAY], [MONDAY + HOUR])
    assert fault(4711, 0, 20, 1, [MONDAY], [MONDAY + HOUR])[0] == 10
    assert Decision.objects.count() == before


@pytest.mark.parametrize(
    ("starts", "ends", "code", "text"),
    [
        (MONDAY, [MONDAY + HOUR], 4, "starts: not an array of whole numbers: give an array of Unix seconds"),
        ([MONDAY], ["soon"], 36, "ends: not an array of whole numbers: give an array of Unix seconds"),
        ([MONDAY, MONDAY + WEEK], [MONDAY + HOUR], 36, "ends: 1 for 2 starts: give one for each start"),
        ([MONDAY], [MONDAY], 36, "starts: the end 2026-11-30 09:00: give an end after the start, 2026-11-30 09:00"),
        ([MONDAY - WEEK], [MONDAY - WEEK + HOUR], 4, "starts: all are past, the last one ended at 2026-11-23 10:00"),
        ([], [], 4, "starts: no date is given"),
        ([MONDAY] * 201, [MONDAY + HOUR] * 201, 4, "starts: 201 dates: give at most 200, and the rest in another call"),
        ([str(2**40)], [str(2**40 + 1)], 4, "starts: 1099511627776: give times from 1970 to 2038-01-01 00:00:00"),
    ],
)
def test_dates_that_are_not_in_order(starts: object, ends: object, code: int, text: str) -> None:
    found = fault(image(), 0, 20, 1, starts, ends)
    assert found[0] == code
    assert text in found[1]


def test_other_parameters_that_are_not_in_order() -> None:
    when = [MONDAY], [MONDAY + HOUR]
    assert fault(0, 0, 20, 1, *when)[0] == 10
    assert fault(image(), 4711, 20, 1, *when)[0] == 67
    assert fault(image(), "CS101", 20, 1, *when)[0] == 67
    assert fault(image(), 0, 71, 1, *when)[0] == 64
    assert fault(image(), 0, 20, 2, *when)[0] == 86
    assert fault(image(), 0, 20, 0, *when)[0] == 11
    assert fault(image(), 0, 20, 1)[0] == -32602


def test_the_sign_in_is_that_of_all_methods() -> None:
    LocalAuth.objects.all().delete()
    assert fault(image(), 0, 20, 1, [MONDAY], [MONDAY + HOUR])[0] == 3


def test_it_is_listed_with_its_signature() -> None:
    assert METHOD in call("system.listMethods")  # type: ignore[operator]
    assert call("system.methodSignature", METHOD) == [["array", "int", "int", "int", "int", "array", "array"]]
    assert "at most 200" in str(call("system.methodHelp", METHOD))
