"""The examples of docs/api.md, run as they stand there against the real server, on the demo site."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
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
    """A server for one language, with a demo site that nobody else calls, and the clients beside it."""

    server: LiveServer
    directory: Path

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
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """One site for each language: calls change what later ones are answered, in the same way in each."""
    missing = [name for name in ("perl", "curl") if not shutil.which(name)]
    assert not missing, f"not installed: {missing}; bin/setup --tests installs what tests need"
    first = LiveServer(tmp_path_factory.mktemp("first"))
    first.manage("migrate", "--verbosity=0")
    first.load_demo_site()
    database = Path(first.database_url.removeprefix("sqlite:///"))
    with ExitStack() as stack:
        front_end = stack.enter_context(FrontEndServer(always(http(value({"status": "success"})))))
        made = {}
        for language in LANGUAGES:
            directory = tmp_path_factory.mktemp(language)
            shutil.copy(database, directory / "live.sqlite3")
            server = stack.enter_context(LiveServer(directory))
            server.start({"VCL_ALLOW_PLAIN_HTTP": "1", "VCL_FRONT_END_URL": front_end.url})
            for name, code in api_page.client_files().items():
                assert code.count(ADDRESS) == 1, name
                (directory / name).write_text(code.replace(ADDRESS, server.url))
            made[language] = Site(server, directory)
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
def test_examples_print_what_the_page_says(language: str, sites: dict[str, Site]) -> None:
    for example in EXAMPLES:
        if example.language == language:
            printed = sites[language].printed(example)
            assert api_page.comparable(printed) == api_page.comparable(example.answer), example.section


def test_each_method_has_an_example_in_each_language() -> None:
    with_codes = [heading for heading, text in api_page.sections().items() if "**Codes of its own**" in text]
    assert len(with_codes) >= 9
    for heading in [*with_codes, "Errors"]:
        assert [each.language for each in EXAMPLES if each.section == heading] == list(LANGUAGES), heading
    assert {each.section for each in EXAMPLES} == {*with_codes, "Errors"}
    assert all(each.answer for each in EXAMPLES)


def test_the_page_has_what_the_service_lists(sites: dict[str, Site]) -> None:
    (listed,) = [each for each in EXAMPLES if each.section == "system.listMethods" and each.language == "Python"]
    text = api_page.PAGE.read_text()
    for name in sites["Python"].printed(listed).split():
        assert f"`{name}(" in text or f"| `{name}` |" in text, name
