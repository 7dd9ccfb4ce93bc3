"""The service's results equal those of VCL's own front end, wherever those were right: tests/golden's cases."""

import http.client
from urllib.parse import urlsplit

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from tests.golden.replay import differences, play
from tests.support.recorded import CASES, RIGHT, SEVEN, broken, no_rows_but_the_cases  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_cases_are_all_there() -> None:
    calls = sum(len(CASES[name]["calls"]) for name in RIGHT)
    assert (len(CASES), len(RIGHT), len(SEVEN)) == (187, 131, 111)
    assert calls > 200
    assert {name for name, case in CASES.items() if case["name"] != name} == set()


@pytest.mark.parametrize("name", RIGHT)
def test_equals_its_recording(name: str) -> None:
    calls = play(CASES[name])
    assert differences(CASES[name], calls) == []
    assert broken(CASES[name], calls) == []


@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize("name", sorted(SEVEN))
def test_seven_parameters_do_the_same(name: str) -> None:
    calls = play(CASES[name], seven=SEVEN[name])
    assert {made.method for made in calls if len(made.params) == 7} == {"XMLRPCblockAllocation"}
    assert differences(CASES[name], calls) == []
    assert broken(CASES[name], calls) == []


@pytest.mark.once(on="sqlite")
def test_the_same_through_a_socket(live_server: LiveServer) -> None:
    """The server runs in a thread of this process: its clock and settings are those of the case.

    The socket is the same with each database: on MariaDB a sample is enough.
    """
    names = RIGHT if connection.vendor == "sqlite" else RIGHT[::5]
    address = urlsplit(live_server.url)

    def through_socket(body: bytes, headers: dict[str, str]) -> bytes:
        caller = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        try:
            caller.request("POST", "/xmlrpc/", body, {"Content-Type": "text/xml", **headers})
            response = caller.getresponse()
            assert (response.status, response.version) == (200, 11)
            return response.read()
        finally:
            caller.close()

    different = {name: differences(CASES[name], play(CASES[name], through_socket)) for name in names}
    assert {name: texts for name, texts in different.items() if texts} == {}
