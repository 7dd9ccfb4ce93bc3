"""Lock-out after failed sign-ins: what is counted, for whom it counts, when it ends."""

import logging
import threading
import xmlrpc.client
import zoneinfo
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from django.core.cache import cache
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from blockalloc.accounts import lockout
from blockalloc.models import LocalAuth, User
from tests.support.rpc_calls import SIGNED_IN, TEST, StubService, answer, fault_of, post, signing_in
from tests.support.servers.live_server import LiveServer
from tests.support.sites.accounts import give_password, make_user

pytestmark = pytest.mark.django_db
A, B = "198.51.100.1", "198.51.100.2"
LIMIT = 3
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _few(settings: Settings) -> None:
    settings.VCL_LOCKOUT_FAILURES = LIMIT
    settings.VCL_LOCKOUT_SECONDS = 300


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The clock, stopped; a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def vclsystem(monkeypatch: pytest.MonkeyPatch) -> LocalAuth:
    """Its local account, and a stand-in for the service."""
    monkeypatch.setattr("blockalloc.rpc.methods.service", StubService())
    return give_password(User.objects.get(unityid="vclsystem"), SIGNED_IN["X-Pass"].encode())


def fail(times: int = 1, *, user: str = "vclsystem", peer: str = A, **headers: str) -> None:
    """So many sign-ins with a wrong password, each of which must be looked at."""
    for _ in range(times):
        assert code(user, "wrong", peer, **headers) == 3


def code(user: str = "vclsystem", password: str = SIGNED_IN["X-Pass"], peer: str = A, **headers: str) -> int:
    """The fault of one sign-in; 0 when it gets in."""
    response = post(TEST, headers={**signing_in(user, password), **headers}, peer=peer)
    return 0 if b"<fault>" not in response.content else fault_of(response)[0]


# --- Over XML-RPC: who is locked out --------------------------------------------------------------
def test_after_so_many_failures_nothing_gets_in(clock: time_machine.Traveller) -> None:
    fail(LIMIT)
    said = "X-User, X-Pass: too many failed sign-ins: try again in 300 seconds"
    assert fault_of(post(TEST, peer=A)) == (207, said)


def test_one_failure_less_locks_nobody_out() -> None:
    fail(LIMIT - 1)
    assert code() == 0


def test_never_a_user_alone() -> None:
    fail(LIMIT, peer=A)
    assert code(peer=A) == 207
    assert code(peer=B) == 0


def test_an_address_is_locked_out_by_failures_of_any_users() -> None:
    for number in range(LIMIT):
        fail(user=f"user{number}")
    assert code() == 207
    assert code("another") == 207
    assert code(peer=B) == 0


def test_a_pair_stays_locked_out_when_the_address_is_not() -> None:
    """A valid account must not give its owner more guesses at another one."""
    give_password(make_user("wanda"), b"other")
    for _ in range(LIMIT):
        fail()
        assert code("wanda", "other") == 34  # signed in; not on the list
    assert code() == 207
    assert code("wanda", "other") == 34


def test_a_success_ends_both_counters() -> None:
    for _ in range(3):
        fail(LIMIT - 1)
        assert code() == 0


def test_a_success_elsewhere_ends_nothing() -> None:
    fail(LIMIT - 1)
    assert code(peer=B) == 0
    fail()
    assert code() == 207


@pytest.mark.parametrize(
    "name", ["VCLsystem@Local", "vclsystem@LOCAL", "VclSystem", " vclsystem ", "vclsystém".encode().decode("latin-1")]
)
def test_spellings_of_a_name_are_one_user(name: str) -> None:
    give_password(make_user("wanda"), b"other")
    for spelling in ("vclsystem", name, name):
        assert code(spelling, "wrong") == 3
        code("wanda", "other")  # the address's own counter ends
    assert code() == 207


def test_a_name_that_only_the_database_takes_for_another_is_nobody() -> None:
    """MariaDB takes y and ü for one letter: each such spelling would have guesses of its own."""
    assert code("vclsüstem".encode().decode("latin-1")) == 3


@pytest.mark.parametrize("name", ["x" * 5000, "\x00\x1f", "a'b\\\"%_", "☃".encode().decode("latin-1"), "@", "a@b@c"])
def test_names_of_any_kind_are_counted(name: str) -> None:
    fail(LIMIT, user=name)
    assert code(name) == 207


def test_nothing_is_counted_for_what_is_no_attempt() -> None:
    for _ in range(LIMIT):
        assert fault_of(post(TEST, headers={"X-Pass": "x", "X-APIVERSION": "2"}, peer=A))[0] == 3
        assert fault_of(post(TEST, headers=signing_in(version="9", password="x"), peer=A))[0] == 7
        assert fault_of(post(TEST, headers=signing_in(password="x"), peer=A, secure=False))[0] == 4
    assert code() == 0


def test_an_account_that_vcl_locked_out_is_counted_like_a_wrong_password(vclsystem: LocalAuth) -> None:
    LocalAuth.objects.update(lockedout=1)
    assert [code() for _ in range(LIMIT + 1)] == [3] * LIMIT + [207]


# --- Addresses ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:198.51.100.1", "198.51.100.1", True),
        ("198.51.100.1", "198.51.100.2", False),
        ("", "", True),
    ],
)
def test_what_counts_as_one_address(first: str, second: str, same: bool) -> None:
    fail(LIMIT, peer=first)
    assert code(peer=second) == (207 if same else 0)


def test_behind_a_trusted_proxy_the_address_in_its_header_counts(settings: Settings) -> None:
    settings.VCL_TRUSTED_PROXIES = ["10.0.0.1"]
    fail(LIMIT, peer="10.0.0.1", **{"X-Forwarded-For": A})
    assert code(peer="10.0.0.1", **{"X-Forwarded-For": A}) == 207
    assert code(peer="10.0.0.1", **{"X-Forwarded-For": f"1.1.1.1, {A}"}) == 207
    assert code(peer="10.0.0.1", **{"X-Forwarded-For": B}) == 0
    assert code(peer=A) == 207


def test_a_header_of_anybody_else_evades_nothing(settings: Settings) -> None:
    settings.VCL_TRUSTED_PROXIES = ["10.0.0.1"]
    for number in range(LIMIT):
        fail(1, peer=A, **{"X-Forwarded-For": f"203.0.113.{number}"})
    assert code(peer=A, **{"X-Forwarded-For": "203.0.113.99"}) == 207
    assert code(peer="203.0.113.0") == 0  # and locks nobody else out


# --- While it lasts -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("user", "password"), [("vclsystem", SIGNED_IN["X-Pass"]), ("vclsystem", "wrong"), ("nobody", "x"), ("locked", "x")]
)
def test_nothing_is_looked_up_and_nothing_counted(
    user: str, password: str, clock: time_machine.Traveller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    give_password(make_user("locked"), b"x", lockedout=1)
    fail(LIMIT)
    clock.shift(10)
    for _ in range(5):
        with django_assert_num_queries(1):
            assert fault_of(post(TEST, headers=signing_in(user, password), peer=A)) == (
                207,
                "X-User, X-Pass: too many failed sign-ins: try again in 290 seconds",
            )


def test_headers_are_checked_before(clock: time_machine.Traveller) -> None:
    fail(LIMIT)
    assert fault_of(post(TEST, headers=signing_in(version="1"), peer=A))[0] == 8
    assert fault_of(post(TEST, headers={}, peer=A))[0] == 3


# --- Time -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("second", [0, 1, 150, 298, 299])
def test_it_ends_when_the_first_failure_is_so_long_ago(second: int, clock: time_machine.Traveller) -> None:
    """At any place in the spans of time that keys are made of."""
    clock.move_to(int(NOW.timestamp()) // 300 * 300 + second)
    for _ in range(LIMIT):
        fail()
        clock.shift(10)
    assert code() == 207
    clock.shift(300 - 10 * LIMIT - 1)
    assert "try again in 1 seconds" in fault_of(post(TEST, peer=A))[1]
    clock.shift(1)
    fail()  # one may be tried again, no more
    assert code() == 207
    clock.shift(10)
    assert code() == 0


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Pacific/Apia"])
@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 8, 6, 58, tzinfo=UTC),  # New York: 01:58, clocks go forward
        datetime(2026, 11, 1, 5, 58, tzinfo=UTC),  # New York: 01:58, clocks go back
        datetime(2026, 10, 25, 0, 58, tzinfo=UTC),  # Berlin: 02:58, clocks go back
    ],
)
def test_changes_of_the_clocks_make_it_neither_longer_nor_shorter(
    zone: str, moment: datetime, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TIME_ZONE = zone
    clock.move_to(moment.astimezone(zoneinfo.ZoneInfo(zone)))
    fail(LIMIT)
    clock.shift(299)
    assert code() == 207
    clock.shift(1)
    assert code() == 0


def test_the_caches_own_expiry_is_not_before(clock: time_machine.Traveller) -> None:
    clock.move_to(NOW.timestamp() + 0.9)
    fail(LIMIT)
    clock.move_to(NOW.timestamp() + 299.9)
    assert code() == 207
    clock.move_to(NOW.timestamp() + 300)
    assert code() == 0


def test_the_value_decides_and_not_the_caches_own_expiry(clock: time_machine.Traveller) -> None:
    fail(LIMIT)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE blockalloc_cache SET expires = %s", ["2026-03-05 00:00:00"])
    clock.shift(299)
    assert code() == 207
    clock.shift(101)
    assert code() == 0


# --- Cost -----------------------------------------------------------------------------------------
def test_a_sign_in_without_failures_on_record_reads_once_and_writes_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert code() == 0
    of_cache = [query["sql"] for query in queries if "blockalloc_cache" in query["sql"]]
    assert len(of_cache) == 1
    assert of_cache[0].startswith("SELECT")
    assert len(queries) == 2


@pytest.mark.usefixtures("no_purge")
def test_failures_cost_the_same_for_every_name(clock: time_machine.Traveller) -> None:
    give_password(make_user("locked"), b"x", lockedout=1)

    def statements(user: str, password: str, peer: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert code(user, password, peer) == 3
        return [query["sql"].split(" ", 1)[0] for query in queries]

    tried = [("vclsystem", "wrong", A), ("nobody", "wrong", B), ("locked", "x", "198.51.100.3")]
    for _ in range(LIMIT):
        first, *others = [statements(*attempt) for attempt in tried]
        assert others == [first, first]


# --- Log ------------------------------------------------------------------------------------------
def test_the_beginning_is_logged_once_and_each_refusal_too(
    caplog: pytest.LogCaptureFixture, clock: time_machine.Traveller
) -> None:
    fail(LIMIT)
    assert code(password="s3cret") == 207
    assert code("nobody", "s3cret") == 207
    begins = [record.getMessage() for record in caplog.records if record.name == "blockalloc.accounts.lockout"]
    assert begins == [f"lock-out of everybody at {A} begins: 3 failed sign-ins within 300 seconds"]
    refused = [record.getMessage() for record in caplog.records if record.name == "blockalloc.rpc.refusal_log"]
    assert len(refused) == LIMIT + 2
    assert refused[-1] == (
        f"refused 'nobody' from {A}: 207, X-User, X-Pass: too many failed sign-ins: try again in 300 seconds"
    )
    assert "s3cret" not in caplog.text
    assert "wrong'" not in caplog.text


def test_the_beginning_for_a_pair_names_the_user(caplog: pytest.LogCaptureFixture) -> None:
    give_password(make_user("wanda"), b"other")
    for _ in range(LIMIT):
        fail()
        code("wanda", "other")
    (record,) = [record for record in caplog.records if record.name == "blockalloc.accounts.lockout"]
    assert record.getMessage().startswith(f"lock-out of 'vclsystem@Local' at {A} begins")


def test_it_is_logged_once_across_spans_of_time(
    caplog: pytest.LogCaptureFixture, clock: time_machine.Traveller
) -> None:
    clock.move_to(int(NOW.timestamp()) // 300 * 300 + 299)
    for _ in range(LIMIT):
        fail()
        clock.shift(1)
    assert [record.name for record in caplog.records].count("blockalloc.accounts.lockout") == 1


# --- When the database fails ----------------------------------------------------------------------
def _without_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE blockalloc_cache RENAME TO blockalloc_gone")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("password", ["wrong", SIGNED_IN["X-Pass"]])
def test_without_its_table_nobody_gets_in(password: str, caplog: pytest.LogCaptureFixture) -> None:
    _without_table()
    try:
        assert code(password=password) == 206
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE blockalloc_gone RENAME TO blockalloc_cache")
    assert SIGNED_IN["X-Pass"] not in caplog.text


def test_a_failure_that_cannot_be_counted_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "add", lambda *_args, **_options: False)  # what it says of every error
    assert code(password="wrong") == 206
    assert "could not be counted" in caplog.text


class _Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_what_somebody_else_writes_into_the_table_is_not_run(tmp_path: Path) -> None:
    attempt = lockout.begin("VCL", "vclsystem@Local", A)
    cache.set(next(attempt.pair.keys(attempt.began)), _Trap(tmp_path / "sprung"))
    assert code() == 206
    assert not (tmp_path / "sprung").exists()


# --- Many at once ---------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_failures_at_the_same_moment_are_all_counted(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """More attempts than the limit get through only if they were under way when it was reached."""
    settings.VCL_LOCKOUT_FAILURES = 12
    workers = 6
    start = threading.Barrier(workers)
    codes: list[int] = []

    def guess(number: int) -> None:
        try:
            start.wait()
            for attempt in range(6):
                codes.append(code("vclsystem", f"{number}-{attempt}"))
        finally:
            connections.close_all()

    with caplog.at_level(logging.WARNING):
        threads = [threading.Thread(target=guess, args=(number,)) for number in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(codes) == {3, 207}
    assert 12 <= codes.count(3) < 12 + workers
    assert code() == 207
    # Two workers may fill one counter each: then there is a line for the pair, too.
    begins = [record.getMessage() for record in caplog.records if record.name == "blockalloc.accounts.lockout"]
    assert len([line for line in begins if "everybody" in line]) == 1
    assert len(begins) == len(set(begins))


@pytest.mark.django_db(transaction=True)
def test_exactly_as_many_as_have_failed_at_once_are_on_record(settings: Settings) -> None:
    settings.VCL_LOCKOUT_FAILURES = 20
    workers = 8
    start = threading.Barrier(workers)
    errors: list[Exception] = []

    def guess(number: int) -> None:
        try:
            start.wait()
            lockout.begin("VCL", f"user{number}", A).failed()
        except DatabaseError as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    attempt = lockout.begin("VCL", "one more", A)
    assert len(attempt.failures) == workers


@pytest.mark.once(on="mariadb")
def test_workers_of_the_server_share_the_counts(tmp_path: Path) -> None:
    """Each worker is a process of its own."""
    server = LiveServer(tmp_path)
    server.migrate()

    def guess(number: int) -> int:
        caller = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/", headers=list(signing_in(f"user{number}").items()))
        with pytest.raises(xmlrpc.client.Fault) as caught:
            caller.XMLRPCtest("x")
        return caught.value.faultCode

    with server.start({"WEB_CONCURRENCY": "3", "VCL_ALLOW_PLAIN_HTTP": "1"}), ThreadPoolExecutor(6) as guessers:
        codes = list(guessers.map(guess, range(60)))
        assert set(codes[-30:]) == {207}
    assert 20 <= codes.count(3) < 20 + 6
    assert server.log.read_text().count("lock-out of everybody at 127.0.0.1 begins") == 1


def test_sign_ins_of_other_realms_share_the_address_only() -> None:
    for _ in range(LIMIT - 1):
        lockout.begin("staff", "vclsystem@Local", A).failed()
    vcl, staff = (lockout.begin(realm, "vclsystem@Local", A) for realm in ("VCL", "staff"))
    assert (vcl.place, vcl.pair != staff.pair) == (staff.place, True)
    fail()
    assert code() == 207
    assert answer(post(TEST, peer=B))


def test_an_entry_that_a_success_removes_meanwhile_is_taken_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """`add` finds the entry there; when one looks whose it is, a success of the same moment has removed it."""
    add, refusals = cache.add, [False, False]
    monkeypatch.setattr(cache, "add", lambda *words, **more: refusals.pop() if refusals else add(*words, **more))
    assert code(password="wrong") == 3
    assert refusals == []
    monkeypatch.undo()
    fail(LIMIT - 1)
    assert code() == 207
