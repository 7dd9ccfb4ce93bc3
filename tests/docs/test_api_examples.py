"""The examples of docs/api.md, run as they stand there against the real server, on the demo site."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from blockalloc.demo.people import PASSWORD
from tests.support import api_page
from tests.support.api_page import ADDRESS, LANGUAGES, Example
from tests.support.servers.front_end_server import FrontEndServer, always, http, value
from tests.support.servers.live_server import LiveServer

pytestmark = pytest.mark.once(on="sqlite")

EXAMPLES = api_page.examples()
PROGRAMS = {"Python": [sys.executable, "-"], "Perl": ["perl", "-"], "curl": ["sh", "-s"]}


@dataclass(frozen=True)
class Site:
    """The server on the demo site, and the clients of the page in a folder."""

    server: LiveServer
    directory: Path
    fresh: Path  # the database as it was before any call

    def start_over(self) -> None:
        """Undo all calls: they change what later ones are answered."""
        live = self.server.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(self.fresh)) as before, closing(sqlite3.connect(live)) as now:
            before.backup(now)

    def printed(self, example: Example) -> str:
        """What the example prints. Fails when it does not end well."""
        done = subprocess.run(
            PROGRAMS[example.language],
            input=example.code,
            cwd=self.directory,
            env={"PATH": os.environ["PATH"], "VCL_PASS": PASSWORD, "no_proxy": "*"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), example.code
        return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, with a front end to which calls can be passed on."""
    missing = [name for name in ("perl", "curl") if not shutil.which(name)]
    assert not missing, f"not installed: {missing}; bin/setup --tests installs what tests need"
    directory = tmp_path_factory.mktemp("examples")
    with (
        FrontEndServer(always(http(value({"status": "success"})))) as front_end,
        LiveServer(directory) as server,
    ):
        server.migrate()
        server.load_demo_site()
        fresh = directory / "fresh.sqlite3"
        shutil.copy(server.database_url.removeprefix("sqlite:///"), fresh)
        server.start({"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_FRONT_END_URL": front_end.url})
        for name, code in api_page.client_files().items():
            assert code.count(ADDRESS) == 1, name
            (directory / name).write_text(code.replace(ADDRESS, server.url))
        yield Site(server, directory, fresh)


@pytest.mark.parametrize("language", LANGUAGES)
def test_examples_print_what_the_page_says(language: str, site: Site) -> None:
    site.start_over()
    for example in EXAMPLES:
        if example.language == language:
            printed = site.printed(example)
            assert api_page.comparable(printed) == api_page.comparable(example.answer), example.section


def test_each_method_has_an_example_in_each_language() -> None:
    with_codes = [heading for heading, text in api_page.sections().items() if "**Codes of its own**" in text]
    assert len(with_codes) >= 9
    for heading in [*with_codes, "Errors"]:
        assert [each.language for each in EXAMPLES if each.section == heading] == list(LANGUAGES), heading
    assert {each.section for each in EXAMPLES} == {*with_codes, "Errors"}
    assert all(each.answer for each in EXAMPLES)


def test_the_page_has_what_the_service_lists(site: Site) -> None:
    (listed,) = [each for each in EXAMPLES if each.section == "system.listMethods" and each.language == "Python"]
    text = api_page.PAGE.read_text()
    for name in site.printed(listed).split():
        assert f"`{name}(" in text or f"| `{name}` |" in text, name
