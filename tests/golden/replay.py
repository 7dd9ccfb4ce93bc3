"""Replays a recorded case: loads its site, makes its calls through the HTTP layer, compares."""

import datetime
import functools
import json
import xmlrpc.client
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import time_machine
from django.test import Client, override_settings

from tests.golden import compare, decided, tables
from tests.golden.tables import Row

Transport = Callable[[bytes, dict[str, str]], bytes]
Scenario = dict[str, Any]
Sevens = list[dict[str, Any] | None]
PASSWORD = "golden-pass"  # of the recorded sites' vclsystem


@dataclass(frozen=True)
class Made:
    """A call that was made: its expected results, its answer (a value or a Fault), the rows before and after."""

    number: int
    method: str
    params: list[Any]
    expect: dict[str, Any]
    answer: Any
    before: dict[str, list[Row]]
    after: dict[str, list[Row]]

    def new(self, table: str) -> list[Row]:
        """The rows that the call added to a table."""
        old = {tables.key_of(table, row) for row in self.before[table]}
        return [row for row in self.after[table] if tables.key_of(table, row) not in old]

    def __str__(self) -> str:
        return f"call {self.number} {self.method}({', '.join(map(repr, self.params))})"


def read_case(path: Path) -> Scenario:
    """A recorded case. Raises ValueError when the file holds none."""
    try:
        case = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    missing = {"name", "about", "now", "time_zone", "tables", "calls"} - set(case if isinstance(case, dict) else ())
    if missing:
        raise ValueError(f"{path}: not a recorded case: it has no {', '.join(sorted(missing))}")
    return dict(case)


def in_process(body: bytes, headers: dict[str, str]) -> bytes:
    """Posts through Django's test client: the whole HTTP layer but the socket."""
    response = _client().post("/xmlrpc/", body, content_type="text/xml", headers=headers)
    if response.status_code != 200:
        raise AssertionError(f"HTTP {response.status_code}: {response.content[:500]!r}")
    return bytes(response.content)


@functools.cache
def _client() -> Client:
    """One for all calls: each would load the middleware anew."""
    return Client(SERVER_NAME="localhost")


def replay(scenario: Scenario, transport: Transport = in_process, seven: Sevens | None = None) -> list[str]:
    """Differences between the recording and what happens here, none when equal.

    `seven` replaces calls by the seven-parameter call.
    """
    return differences(scenario, play(scenario, transport, seven))


def differences(scenario: Scenario, calls: list[Made]) -> list[str]:
    """Differences between the expected and the actual results of a case's calls."""
    skip = compare.Skip(scenario)
    return [
        f"{made}: {text}"
        for made in calls
        for text in (
            *compare.answers(made.expect, made.answer),
            *compare.rows(made.expect, made.before, made.after, skip),
        )
    ]


def play(scenario: Scenario, transport: Transport = in_process, seven: Sevens | None = None) -> list[Made]:
    """Load the site of a case and make its calls at its time."""
    with on_site(scenario):
        return list(_calls(scenario, transport, seven))


@contextmanager
def on_site(scenario: Scenario) -> Iterator[None]:
    """Load the site of a case; meanwhile its settings and its time apply."""
    limit = scenario.get("settings", {}).get("max_block_machines", 70)
    settings = override_settings(
        TIME_ZONE=scenario["time_zone"], VCL_MAX_BLOCK_MACHINES=limit, VCL_ALLOW_PLAIN_HTTP=True
    )
    with settings, time_machine.travel(now_of(scenario), tick=False):
        tables.load(scenario["tables"], scenario["time_zone"])
        yield


def now_of(scenario: Scenario) -> datetime.datetime:
    """When the calls of a case are made."""
    zone = zoneinfo.ZoneInfo(scenario["time_zone"])
    return datetime.datetime.fromisoformat(scenario["now"]).replace(tzinfo=zone)


def _calls(scenario: Scenario, transport: Transport, seven: Sevens | None) -> Iterator[Made]:
    before = tables.read()
    for number, call in enumerate(scenario["calls"]):
        if call.get("before"):
            tables.change(call["before"], scenario["time_zone"])
            before = tables.read()
        method, params = call["method"], call["params"]
        expect = decided.expected(call["expect"], scenario["time_zone"], params, before)
        if seven is not None and number < len(seven) and (other := seven[number]):
            method, params, expect = "XMLRPCblockAllocation", other["params"], _seven_expect(other, expect)
        answer = make_call(transport, method, params, call.get("auth"))
        after = tables.read()
        yield Made(number, method, params, expect, answer, before, after)
        before = after


def _seven_expect(other: dict[str, Any], expect: dict[str, Any]) -> dict[str, Any]:
    """The expected results of the seven-parameter call: its own answer, the rows of the recorded call."""
    rows = {key: value for key, value in expect.items() if key in ("new_rows", "changed", "removed")}
    if "fault" in other:
        return {**rows, "fault": {"faultCode": other["fault"]}}
    if other["answer"] == 0:
        rows.pop("new_rows", None)  # a block that gets nothing is not kept
    return {**rows, "response": other["answer"]}


def make_call(transport: Transport, method: str, params: list[Any], auth: dict[str, Any] | None = None) -> object:
    """The answer to a call, or the xmlrpc.client.Fault."""
    signed = {"user": "vclsystem", "pass": PASSWORD, "apiversion": 2} | (auth or {})
    names = {"user": "X-User", "pass": "X-Pass", "apiversion": "X-APIVERSION"}
    headers = {names[key]: str(value) for key, value in signed.items() if value is not None}
    body = xmlrpc.client.dumps(tuple(params), method, allow_none=True).encode()
    try:
        (value,), _ = xmlrpc.client.loads(transport(body, headers))
    except xmlrpc.client.Fault as fault:
        return fault
    return value
