"""Who may call: transport, sign-in, the block-API list; and the health check."""

import hmac
import logging

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from blockalloc.contract.messages import Caller
from blockalloc.models import LocalAuth, User
from tests.support.rpc_calls import SIGNED_IN, TEST, StubService, answer, call, document, fault_of, post, signing_in
from tests.support.sites.accounts import give_password, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> StubService:
    """A stand-in for the service."""
    stub = StubService()
    monkeypatch.setattr("blockalloc.rpc.methods.service", stub)
    return stub


@pytest.fixture(autouse=True)
def vclsystem() -> LocalAuth:
    """The local account of vclsystem@Local, whom the base rows of VCL know."""
    return give_password(User.objects.get(unityid="vclsystem"), b"p4ss")


def on_the_wire(text: str, encoding: str = "utf-8") -> str:
    """Text in a header as WSGI hands it over."""
    return text.encode(encoding).decode("latin-1")


# --- Signing in -------------------------------------------------------------------------------
@pytest.mark.parametrize("user", ["vclsystem", "vclsystem@Local", "VCLSystem@LOCAL", " vclsystem "])
def test_a_local_account_gets_in(user: str, service: StubService) -> None:
    call("XMLRPCprocessBlockTime", 10, headers=signing_in(user))
    assert service.asked[0][-1] == Caller(3, "vclsystem@Local", "127.0.0.1", "XMLRPCprocessBlockTime")


def test_an_account_of_another_affiliation_gets_in_under_its_full_name(
    service: StubService, settings: Settings
) -> None:
    settings.VCL_BLOCK_API_USERS = ["vclsystem@Local", "scheduler@ncsu"]
    user = make_user("scheduler", "NCSU")
    give_password(user, b"other")
    assert fault_of(post(TEST, headers=signing_in("scheduler", "other"))) == (3, "Access denied")
    call("XMLRPCprocessBlockTime", 10, headers=signing_in("Scheduler@NCSU", "other"))
    assert service.asked[0][-1] == Caller(user.id, "scheduler@NCSU", "127.0.0.1", "XMLRPCprocessBlockTime")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_and_passwords_are_the_bytes_that_were_sent(encoding: str, settings: Settings) -> None:
    settings.VCL_BLOCK_API_USERS = ["jürgen@Local"]
    give_password(make_user("jürgen"), "pä$$".encode(encoding))
    headers = signing_in(on_the_wire("jürgen", encoding), on_the_wire("pä$$", encoding))
    assert answer(post(TEST, headers=headers))


def test_a_hash_in_capitals_is_the_same_hash(vclsystem: LocalAuth) -> None:
    LocalAuth.objects.filter(pk=vclsystem.pk).update(passhash=vclsystem.passhash.upper())
    assert answer(post(TEST))


DENIED = [
    ("vclsystem", "wrong", "wrong password"),
    ("vclsystem", "P4SS", "wrong password"),
    ("vclsystem", "", "wrong password"),
    ("vclsystem", None, "no X-Pass header"),
    ("nobody", "p4ss", "unknown user"),
    ("vclsystem@Nowhere", "p4ss", "unknown user"),
    ("vclsystem@", "p4ss", "unknown user"),
    ("@Local", "p4ss", "unknown user"),
    ("vclsystem@Local@Local", "p4ss", "unknown user"),
    ("vclsyste%", "p4ss", "unknown user"),
    ("vclsyste_", "p4ss", "unknown user"),
    ("vclsystem' OR '1'='1", "p4ss", "unknown user"),
    (on_the_wire("☃"), "p4ss", "unknown user"),
    ("vclsystem@" + on_the_wire("☃"), "p4ss", "unknown user"),
    ("admin", "p4ss", "unknown user"),  # exists, but has no local account
    ("locked", "p4ss", "locked out"),
]


@pytest.mark.parametrize(("user", "password", "reason"), DENIED)
def test_every_denial_looks_the_same_and_is_logged_once(
    user: str, password: str | None, reason: str, service: StubService, caplog: pytest.LogCaptureFixture
) -> None:
    give_password(make_user("locked"), b"p4ss", lockedout=1)
    assert fault_of(post(document("XMLRPCprocessBlockTime", 10), headers=signing_in(user, password))) == (
        3,
        "Access denied",
    )
    (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
    assert reason in record.getMessage()
    assert "from 127.0.0.1" in record.getMessage()
    assert "p4ss" not in caplog.text
    assert not service.asked


@pytest.mark.usefixtures("no_purge")
@pytest.mark.parametrize(("user", "password", "_reason"), DENIED)
def test_every_denial_takes_the_same_work(
    user: str,
    password: str | None,
    _reason: str,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    give_password(make_user("locked"), b"p4ss", lockedout=1)
    compared: list[int] = []
    compare = hmac.compare_digest

    def count(ours: bytes, theirs: bytes) -> bool:
        compared.append(len(theirs))
        return compare(ours, theirs)

    monkeypatch.setattr("hmac.compare_digest", count)
    # Failures on record, account, and one for each of the two counters.
    with django_assert_num_queries(4):
        post(TEST, headers=signing_in(user, password))
    assert compared == [40]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 3),
        (signing_in("", version="1"), 3),
        (signing_in("  "), 3),
        (signing_in(version="1"), 8),
        (signing_in(version="3"), 7),
        (signing_in(version="2.0"), 7),
        (signing_in(version=""), 7),
        (signing_in(version=None), 7),
        (signing_in("nobody", version="3"), 7),  # or else 3 and 7 would tell who exists
    ],
)
def test_headers_are_checked_before_the_database_is_asked(
    headers: dict[str, str], code: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert fault_of(post(TEST, headers=headers))[0] == code


def test_a_name_cannot_forge_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    post(TEST, headers=signing_in("x\r\n2026-01-01 INFO all is well" + "y" * 500))
    (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 300


def test_nothing_is_parsed_for_those_who_do_not_get_in() -> None:
    assert fault_of(post("not xml", headers=signing_in(password="wrong")))[0] == 3


def test_the_body_limit_comes_first(settings: Settings, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    settings.VCL_MAX_BODY_BYTES = 10
    with django_assert_num_queries(0):
        assert fault_of(post(TEST, headers={}, secure=False))[0] == -32600


# --- The block-API list -----------------------------------------------------------------------
@pytest.fixture
def wanda() -> dict[str, str]:
    """The headers of a user who is not on the list."""
    give_password(make_user("wanda"), b"other-pass")
    return signing_in("wanda", "other-pass")


SIX = (10, "2026-03-02 13:00:00", "2026-03-02 15:00:00", 2, 11, 1)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("XMLRPCprocessBlockTime", (10, 1)),
        ("XMLRPCprocessBlockTime", ("x",)),
        ("XMLRPCblockAllocation", SIX),
        ("XMLRPCblockAllocation", SIX[:5]),
    ],
)
def test_the_methods_of_old_turn_others_away_with_a_struct(
    method: str, parameters: tuple[object, ...], wanda: dict[str, str], service: StubService
) -> None:
    denied = {"status": "error", "errorcode": 34, "errormsg": "access denied for managing block allocations"}
    assert call(method, *parameters, headers=wanda) == denied
    assert not service.asked


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("XMLRPCblockAllocation", (10, 1772478000, 1772485200, 4, 11, 1, 12)),
        ("XMLRPCblockAllocation", ()),
        ("XMLRPCtest", ("x",)),
        ("system.listMethods", ()),
    ],
)
def test_the_others_turn_them_away_with_a_fault(
    method: str,
    parameters: tuple[object, ...],
    wanda: dict[str, str],
    service: StubService,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert fault_of(post(document(method, *parameters), headers=wanda))[0] == 34
    assert not service.asked
    (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
    assert "wanda@Local" in record.getMessage()


# --- Transport --------------------------------------------------------------------------------
def test_plain_http_is_refused_before_the_password_is_looked_at(
    django_assert_num_queries: DjangoAssertNumQueries, caplog: pytest.LogCaptureFixture
) -> None:
    with django_assert_num_queries(0):
        code, said = fault_of(post(TEST, secure=False))
    assert code == 4
    assert "HTTPS" in said
    assert "p4ss" not in caplog.text


def test_plain_http_can_be_allowed(settings: Settings) -> None:
    settings.VCL_ALLOW_PLAIN_HTTP = True
    assert answer(post(TEST, secure=False))


PROXIES = ["10.0.0.1", "192.168.7.0/24", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("peer", "scheme"),
    [
        ("10.0.0.1", "https"),
        ("10.0.0.1", "HTTPS"),
        ("10.0.0.1", "https, https"),
        ("192.168.7.99", "https"),
        ("2001:db8::5", "https"),
        ("::ffff:10.0.0.1", "https"),
    ],
)
def test_a_trusted_proxy_is_believed_that_it_spoke_https(peer: str, scheme: str, settings: Settings) -> None:
    settings.VCL_TRUSTED_PROXIES = PROXIES
    headers = {**SIGNED_IN, "X-Forwarded-Proto": scheme}
    assert answer(post(TEST, headers=headers, secure=False, peer=peer))


@pytest.mark.parametrize(
    ("peer", "scheme"),
    [
        ("10.0.0.2", "https"),
        ("127.0.0.1", "https"),
        ("", "https"),
        ("nonsense", "https"),
        ("10.0.0.1", "http"),
        ("10.0.0.1", ""),
        ("10.0.0.1", "https, http"),
        ("10.0.0.1", "http, https"),
    ],
)
def test_nobody_else_is(peer: str, scheme: str, settings: Settings) -> None:
    settings.VCL_TRUSTED_PROXIES = PROXIES
    headers = {**SIGNED_IN, "X-Forwarded-Proto": scheme}
    assert fault_of(post(TEST, headers=headers, secure=False, peer=peer))[0] == 4


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 192.168.7.3", "198.51.100.1"),
        ("10.0.0.1", "192.168.7.4, 192.168.7.3", "192.168.7.4"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "2001:db9::1", "2001:db9::1"),
    ],
)
def test_the_callers_address_is_the_last_one_that_is_no_proxys(
    peer: str, forwarded: str, address: str, service: StubService, settings: Settings
) -> None:
    settings.VCL_TRUSTED_PROXIES = PROXIES
    headers = {**SIGNED_IN, **({"X-Forwarded-For": forwarded} if forwarded else {})}
    call("XMLRPCprocessBlockTime", 10, headers=headers, peer=peer)
    assert isinstance(caller := service.asked[0][-1], Caller)
    assert caller.address == address


def test_a_malformed_list_of_proxies_trusts_nobody(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.VCL_TRUSTED_PROXIES = ["the proxy"]
    assert fault_of(post(TEST)) == (206, "internal error (logged)")
    assert "VCL_TRUSTED_PROXIES" in caplog.text


# --- Health -----------------------------------------------------------------------------------
def test_healthy_while_the_database_answers() -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


def test_unhealthy_when_it_does_not(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise DatabaseError("no route to db.internal")

    monkeypatch.setattr(connection, "cursor", fail)
    with caplog.at_level(logging.ERROR):
        response = Client().get("/healthz")
    assert response.status_code == 503
    assert b"db.internal" not in response.content
    assert "db.internal" in caplog.text


def test_the_health_check_takes_no_posts() -> None:
    assert Client().post("/healthz").status_code == 405


@pytest.mark.parametrize("path", ["/", "/admin"])
def test_people_who_leave_out_the_rest_of_the_address_find_the_staff_pages(path: str) -> None:
    response = Client(SERVER_NAME="localhost").get(path, secure=True)
    assert (response.status_code, response["Location"]) == (302, "/admin/")
