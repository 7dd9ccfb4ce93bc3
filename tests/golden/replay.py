"""Replays a recorded case: loads its site, makes its calls through the HTTP layer, compares."""

import datetime
import json
import xmlrpc.client
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import time_machine
from django.test import Client, override_settings

from tests.golden import compare, tables

Transport = Callable[[bytes, dict[str, str]], bytes]
Scenario = dict[str, Any]
PASSWORD = "golden-pass"  # of the recorded sites' vclsystem


def read_case(path: Path) -> Scenario:
    """A recorded case."""
    return dict(json.loads(path.read_text()))


def test_client(body: bytes, headers: dict[str, str]) -> bytes:
    """Posts through Django's test client: the whole HTTP layer but the socket."""
    response = Client(SERVER_NAME="localhost").post("/xmlrpc/", body, content_type="text/xml", headers=headers)
    if response.status_code != 200:
        raise AssertionError(f"HTTP {response.status_code}: {response.content[:500]!r}")
    return bytes(response.content)


def replay(
    scenario: Scenario,
    transport: Transport = test_client,
    seven: list[dict[str, Any] | None] | None = None,
    adjust: Callable[[int, dict[str, Any]], dict[str, Any] | None] = lambda number, expect: expect,
) -> list[str]:
    """Differences between the recording and what happens here, none when equal.

    `seven` replaces calls by the seven-parameter call; `adjust` gives another expectation for a
    call, or None for a call that is made and not compared.
    """
    zone = zoneinfo.ZoneInfo(scenario["time_zone"])
    now = datetime.datetime.fromisoformat(scenario["now"]).replace(tzinfo=zone)
    limit = scenario.get("settings", {}).get("max_block_machines", 70)
    settings = override_settings(
        TIME_ZONE=scenario["time_zone"], VCL_MAX_BLOCK_MACHINES=limit, VCL_ALLOW_PLAIN_HTTP=True
    )
    with settings, time_machine.travel(now, tick=False):
        tables.load(scenario["tables"], scenario["time_zone"])
        return list(_calls(scenario, transport, seven, adjust))


def _calls(
    scenario: Scenario,
    transport: Transport,
    seven: list[dict[str, Any] | None] | None,
    adjust: Callable[[int, dict[str, Any]], dict[str, Any] | None],
) -> Iterator[str]:
    skip = compare.Skip(scenario)
    for number, call in enumerate(scenario["calls"]):
        tables.change(call.get("before", {}), scenario["time_zone"])
        expect = call["expect"]
        method, params = call["method"], call["params"]
        if seven is not None and number < len(seven) and (other := seven[number]):
            method, params, expect = "XMLRPCblockAllocation", other["params"], _seven_expect(other, expect)
        before = tables.read()
        got = make_call(transport, method, params, call.get("auth"))
        adjusted = adjust(number, expect)
        if adjusted is None:
            continue
        differences = [*compare.answers(adjusted, got), *compare.rows(adjusted, before, tables.read(), skip)]
        yield from (f"call {number} {method}{tuple(params)}: {text}" for text in differences)


def _seven_expect(other: dict[str, Any], expect: dict[str, Any]) -> dict[str, Any]:
    """What the seven-parameter call must do: its own answer, the rows of the recorded call."""
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
