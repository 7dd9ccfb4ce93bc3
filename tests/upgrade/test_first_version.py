"""A site that ran the first version is upgraded with its rows, works, and goes back as it was."""

import http.cookiejar
import re
import time
import urllib.parse
import urllib.request
import xmlrpc.client
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.accounts_of_least_right import Account
from tests.support.empty_site import Site
from tests.support.servers.live_server import LiveServer
from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import run

FIRST = (
    "auth_group",
    "auth_user",
    "blockalloc_guard",
    "blockalloc_idempotencykey",
    "django_admin_log",
    "django_session",
)
PEOPLE = [("X-User", "vclsystem@Local"), ("X-Pass", "demo-pass"), ("X-APIVERSION", "2")]
HOUR = 3600


def manage(site: Site, *arguments: str, url: str = "") -> str:
    """Run a command on the site; what it printed. Its status has to be 0, or 1 for findings."""
    done = run("manage.py", *arguments, DATABASE_URL=url or site.url, DJANGO_SECRET_KEY=SECRET_KEY)
    assert done.returncode == 0 or (done.returncode == 1 and arguments[0].startswith("check_")), done.stderr
    return done.stdout


def rows(site: Site, table: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in site.sql(f"SELECT * FROM {table} ORDER BY 1")]  # noqa: S608 - names are our own


def test_there_and_back(first_version: Site) -> None:
    vcl, own = first_version.contents(), {table: definition_and_rows(first_version, table) for table in FIRST}
    assert len(rows(first_version, "blockalloc_idempotencykey")) == 3
    manage(first_version, "migrate")
    assert first_version.contents() == vcl
    assert {table: definition_and_rows(first_version, table) for table in FIRST} == own
    manage(first_version, "migrate", "blockalloc", "0002")
    assert first_version.contents() == vcl
    assert {table: definition_and_rows(first_version, table) for table in FIRST} == own
    made = {name for name in first_version.connection.introspection.table_names() if name.startswith("blockalloc_")}
    assert made == {"blockalloc_guard", "blockalloc_idempotencykey"}


def definition_and_rows(site: Site, table: str) -> object:
    if site.server is not None:
        return site.server.dump(str(site.connection.settings_dict["NAME"]), table)
    return site.sql(f"SELECT sql FROM sqlite_master WHERE tbl_name = '{table}' ORDER BY name"), rows(site, table)  # noqa: S608


@pytest.fixture
def upgraded(first_version: Site, tmp_path: Path) -> Iterator[tuple[Site, LiveServer]]:
    """The site, upgraded, with the service at work; its management nodes are alive."""
    url, accounts = first_version.url, []
    if first_version.server is None:
        manage(first_version, "migrate", "-v0")
    else:  # as at a site, with the rights that are documented
        migration, running = accounts = [Account(first_version, name) for name in ("migration", "running")]
        migration.may("migrating")
        manage(first_version, "migrate", "-v0", url=migration.url)
        running.may("running")
        url = running.url
    alive = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S")
    first_version.sql(f"UPDATE managementnode SET lastcheckin = '{alive}'")  # noqa: S608
    with LiveServer(tmp_path, url) as server:
        yield first_version, server.start({"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_IDEMPOTENCY_DAYS": "3650"})
    for account in accounts:
        account.drop()


def test_the_new_version_works_with_the_old_rows(upgraded: tuple[Site, LiveServer]) -> None:
    site, server = upgraded
    old = [row[:6] for row in rows(site, "blockalloc_idempotencykey")]
    start = int(time.time()) // HOUR * HOUR + 48 * HOUR
    call = caller(server)
    assert call(101, start, start + HOUR, 3, 101, 1, 0, key="second-1") == 3
    assert call(101, start, start + HOUR, 3, 101, 1, 0, key="second-1") == 3
    # Keys of the first version are known, and are refused: it kept the parameters in another form.
    assert call(101, start, start + HOUR, 5, 101, 1, 0, key="first-1") == 204
    assert [row[:6] for row in rows(site, "blockalloc_idempotencykey")][:3] == old
    url = server.database_url
    assert '"doubt": ""' in manage(site, "keep_ready", "--json", url=url)
    assert "schema_drift" not in manage(site, "check_vcl", "--repair", url=url)

    get, post = browser(server)
    assert post("login/", username="demo", password="demo", next="/admin/").endswith("/admin/today/")
    for page in (
        "",
        "blockalloc/blocktime/",
        "blockalloc/blockrequest/",
        "blockalloc/decision/",
        "auth/user/2/change/",
    ):
        assert get(page)
    of_first = site.sql("SELECT MIN(t.id) FROM blockTimes t JOIN blockComputers c ON c.blockTimeid = t.id")[0][0]
    assert "Ubuntu" in get(f"blockalloc/blocktime/{of_first}/change/")
    assert "läb" in get("auth/user/")
    assert "Désk" in get("auth/group/")


def caller(server: LiveServer) -> Callable[..., int]:
    """Calls XMLRPCblockAllocation; its answer, or the code of the fault."""

    def call(*arguments: int, key: str) -> int:
        headers = [*PEOPLE, ("X-Idempotency-Key", key)]
        proxy = xmlrpc.client.ServerProxy(f"{server.url}/xmlrpc/", headers=headers)
        try:
            return int(str(proxy.XMLRPCblockAllocation(*arguments)))
        except xmlrpc.client.Fault as fault:
            return fault.faultCode

    return call


def browser(server: LiveServer) -> tuple[Callable[[str], str], Callable[..., str]]:
    """Two functions with one session: the text of a page, and the address that a form leads to."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(path: str) -> str:
        with opener.open(f"{server.url}/admin/{path}", timeout=60) as answer:
            return str(answer.read().decode())

    def post(path: str, **values: str) -> str:
        found = re.search(r'csrfmiddlewaretoken" value="([^"]+)', get(path))
        assert found is not None
        body = urllib.parse.urlencode({**values, "csrfmiddlewaretoken": found[1]}).encode()
        address = f"{server.url}/admin/{path}"
        request = urllib.request.Request(address, body, {"Referer": address})  # noqa: S310 - of this machine
        with opener.open(request, timeout=60) as answer:
            return str(answer.url)

    return get, post
