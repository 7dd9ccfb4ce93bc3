"""The codes of docs/api.md are those of the code, for all methods together and for each of them."""

import re
from collections.abc import Callable

import pytest

from blockalloc.rpc.methods import METHODS
from tests.support import api_page
from tests.support.codes_in_code import all_codes, codes_reached

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

BUSY, NO_MEMBERS, NOT_ON_THE_LIST = {205}, {11}, {34}
WARNINGS = {13, 14}
NEW_BLOCK, EXISTING = "_seven_for_new_block", "_seven_for_block_time"
# What it says of the block time are the rows themselves, which can't contradict one another.
NOTHING_STATED = {4, 36, 64, 201}
METHODS_OF_SYSTEM = ["system.listMethods", "system.methodHelp", "system.methodSignature"]


def of_checks(*functions: str) -> set[int]:
    """The codes of these checks of a call's parameters."""
    return codes_reached(*functions, within=("allocation", "contract"))


OWN_CODES: dict[str, Callable[[], set[int]]] = {
    "XMLRPCblockAllocation, seven parameters": lambda: (
        of_checks(NEW_BLOCK, EXISTING, "earlier_outcome") | BUSY | NO_MEMBERS
    ),
    "XMLRPCprocessBlockTime": lambda: (
        (of_checks("_fill") - NOTHING_STATED) | BUSY | NO_MEMBERS | NOT_ON_THE_LIST | WARNINGS
    ),
    "XMLRPCblockAllocation, five or six parameters": lambda: (
        of_checks("_five_or_six") | BUSY | NO_MEMBERS | NOT_ON_THE_LIST | WARNINGS
    ),
    "XMLRPCexplainBlockAllocation": lambda: of_checks(NEW_BLOCK, EXISTING) | NO_MEMBERS | WARNINGS,
    "XMLRPCplanBlockSeries": lambda: codes_reached(
        "_dates", "check", "read", within=("allocation", "contract", "rpc.series", "series")
    ),
    "Calls that are passed on": lambda: codes_reached("pass_on", "refuse_loop", within=["web.front_end"]) - {3},
    **dict.fromkeys(["XMLRPCtest", *METHODS_OF_SYSTEM], set),
}
EVERY_CALL = {3, 4, 7, 8, 34, 206, 207, 209, 210, -32600, -32601, -32602, -32700}


def test_the_table_has_the_codes_of_the_code() -> None:
    assert set(api_page.codes_of_all()) == all_codes()


def test_each_code_says_whether_to_call_again() -> None:
    for code, again in api_page.codes_of_all().items():
        assert all(re.match("yes|no|only if", text) for text in again), code


@pytest.mark.parametrize("heading", OWN_CODES)
def test_a_method_has_its_codes(heading: str) -> None:
    assert api_page.codes_of_a_method(heading) == OWN_CODES[heading]()


def test_every_method_has_a_section() -> None:
    headings = {heading.partition(",")[0] for heading in OWN_CODES}
    assert set(METHODS) == headings - {"Calls that are passed on"}
    assert set(OWN_CODES) <= set(api_page.sections())


def test_no_code_belongs_to_nothing() -> None:
    of_methods = set[int]().union(*(api_page.codes_of_a_method(heading) for heading in OWN_CODES))
    assert api_page.codes_of_every_call() == EVERY_CALL
    assert of_methods | EVERY_CALL == set(api_page.codes_of_all())


def test_what_stops_every_call_is_found_before_its_method_runs() -> None:
    """Sign-in, the body, the address, the list and the number of parameters."""
    names = ("sign_in", "decode_body", "read_body", "loads", "_wrong_host", "_wrong_path", "_wrong_proxy", "_answer")
    assert codes_reached(*names, within=["rpc"]) | {34, 206, 209, -32601, -32602} == EVERY_CALL
