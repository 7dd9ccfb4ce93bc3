"""The answer is what was written, whatever happens around it, and its explanation is true."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from blockalloc.allocation import block_time_actions, explanation, service
from blockalloc.contract.messages import Caller
from blockalloc.models import BlockTime, Decision
from blockalloc.store import decisions
from tests.golden import tables
from tests.support.claim_and_confirm import Between
from tests.support.scoped import limit_to
from tests.support.sites.class_site import CALLER, GROUP, NODE, ZONE, a_call, class_site, computers_of, reserve

pytestmark = pytest.mark.django_db(transaction=True)
PERSON = Caller(3, "vclsystem@Local", "10.0.0.7", "admin", "operator")
FOR_EVER = "9999-12-31 23:59:59"


def latest() -> Decision:
    return Decision.objects.latest("pk")


def test_a_block_time_that_is_released_meanwhile_is_filled_all_the_same(between_claim_and_confirm: Between) -> None:
    with class_site(computers=12):
        service.allocate_block(a_call(3), CALLER)
        between_claim_and_confirm(lambda: block_time_actions.release_block_time(10, PERSON))
        assert service.allocate_block(a_call(4), CALLER) == 4
        assert len(computers_of()) == 4
        assert (latest().had, latest().allocated) == (0, 4)


@pytest.mark.parametrize("row", ["maintenance", "reservation"])
def test_rows_that_last_for_ever_are_no_error(row: str) -> None:
    """West of Greenwich their end is beyond the calendar's."""
    with class_site(computers=4):
        if row == "maintenance":
            window = {"start": "2026-03-02 09:00:00", "end": FOR_EVER, "ownerid": 1, "created": "2026-03-01 00:00:00",
                      "usermessage": "", "informhoursahead": 1, "allowreservations": 0}  # fmt: skip
            tables.insert("sitemaintenance", [window], ZONE)
        else:
            reserve(10, "2026-03-02 14:00:00", FOR_EVER)
        assert service.allocate_block(a_call(4), CALLER) == (0 if row == "maintenance" else 3)
        dry = service.dry_run(a_call(4), CALLER)
        assert dry.explanation is not None
        assert "the end of the calendar" in str([dry.explanation.stopped_by, *dry.explanation.obstacles])


def test_the_answer_is_given_even_if_it_cannot_be_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_args: object) -> None:
        raise OperationalError(2006, "Server has gone away")

    with class_site(computers=3):
        monkeypatch.setattr(explanation, "look_ahead", gone)
        result = service.allocate(a_call(4), CALLER, explain=True)
        assert (result.outcome.allocated, result.explanation) == (3, None)
        assert len(computers_of()) == 3


def test_a_call_that_wants_only_the_number_explains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with class_site(computers=3):
        monkeypatch.setattr(explanation, "explain", lambda *_args: pytest.fail("it explains"))
        assert service.allocate_block(a_call(4), CALLER) == 3


def test_a_block_in_the_way_is_one_with_all_its_computers() -> None:
    with class_site(computers=8, machines=6, blocks=2):
        service.allocate_block(a_call(6), CALLER)
        reserve(16, "2026-03-02 14:00:00", "2026-03-02 16:00:00")
        result = service.dry_run(a_call(6, block_time=11), CALLER)
        assert result.explanation is not None
        assert result.explanation.remedies is not None
        way = [(each.kind, each.id, each.computers) for each in result.explanation.remedies.in_the_way]
        assert way == [("block time", 10, 6), ("request", 7, 1)]


def test_claims_of_this_moment_are_not_in_the_way_later() -> None:
    with class_site(computers=4):
        claim = {"computerid": 10, "imageid": 10, "imagerevisionid": 10, "managementnodeid": NODE,
                 "expires": "2026-03-02 08:00:40", "procid": "front end"}  # fmt: skip
        tables.insert("semaphore", [claim], ZONE)
        result = service.dry_run(a_call(4), CALLER)
        assert result.explanation is not None
        assert result.explanation.remedies is not None
        assert result.explanation.remedies.earliest_start is not None
        assert result.explanation.remedies.earliest_start < result.explanation.remedies.searched_until


def test_computers_of_a_member_who_was_tried_are_not_called_denied() -> None:
    """One member alone may use the computers; the other's turn comes too."""
    with class_site(computers=6, members=2):
        (member, *_) = (row["userid"] for row in tables.read()["usergroupmembers"] if row["usergroupid"] == GROUP)
        tables.insert("userpriv", [{"userid": member, "privnodeid": 3, "userprivtypeid": 6}], ZONE)
        tables.insert("resourcepriv", [{"resourcegroupid": 11, "privnodeid": 3, "type": "available"}], ZONE)
        assert service.allocate_block(a_call(4, ignore=False), CALLER) == 4
        assert set(decisions.findings_of([latest()])[latest().pk].findings.lost()) == {"not_needed"}


@pytest.mark.parametrize("changed", [{"userid": 1}, None])
def test_a_reload_that_belongs_to_somebody_else_is_left(changed: dict[str, object] | None) -> None:
    """The number of a reload may be another's by now, or be referred to by another block time."""
    with class_site(blocks=2, computers=12):
        service.allocate_block(a_call(4), CALLER)
        (row, *_) = tables.read()["blockComputers"]
        reload = row["reloadrequestid"]
        if changed:
            tables.change({"update": {"request": [{"id": reload, **changed}]}}, ZONE)
        else:
            tables.insert("blockComputers", [{**row, "blockTimeid": 11, "computerid": 21}], ZONE)
        block_time_actions.release_block_time(10, PERSON)
        assert [each["id"] for each in tables.read()["request"]] == [reload]


def test_a_name_that_is_no_text_stops_no_allocation() -> None:
    """A login of the shell can be of bytes that are no UTF-8."""
    with class_site():
        assert service.allocate_block(a_call(4), replace(PERSON, person="w\udcff" * 200)) == 4
        assert latest().person.startswith("w?w?")


def test_a_dry_run_names_nobody_of_another_affiliation(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with class_site(computers=6, machines=6, blocks=2):
        service.allocate_block(a_call(5), CALLER)
        reserve(15, "2026-03-02 14:00:00", "2026-03-02 16:00:00")
        client.force_login(StaffUser.objects.create_superuser("root"))
        address = reverse("admin:blocktime_action", args=[11, "dry-run"])
        assert "(block time 10)" in client.post(address).content.decode()
        time = "blockalloc.pages.actions.visible_block_time"
        monkeypatch.setattr(time, lambda _request, _id, find=_block_time: find(_id))
        limit_to(99, monkeypatch)
        page = client.post(address).content.decode()
        assert "block 10" not in page
        assert "admin@Local" not in page
        assert page.count("a class of another affiliation") >= 2
        assert "somebody" in page


def _block_time(key: int) -> BlockTime:
    return BlockTime.objects.select_related("blockRequest").get(pk=key)
