"""The limit of loads at a time, of rows of VCL's table `variable`: as vcld reads them."""

import pytest

from blockalloc.store.load_limits import USUAL, Limits, Variable

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]
HOST = "mn1.example.edu"


def limits(*rows: tuple[str, str], serialization: str = "none") -> Limits:
    return Limits(Variable(name, serialization, value) for name, value in rows)


def limit(value: str, serialization: str = "none") -> int:
    return limits(("xcat|throttle", value), serialization=serialization).of(HOST)


def problems(value: str, serialization: str = "none", name: str = "xcat|throttle") -> list[str]:
    return [problem.text for problem in limits((name, value), serialization=serialization).problems([HOST])]


def test_ten_when_nothing_is_said() -> None:
    assert limits().of(HOST) == USUAL == 10


def test_that_of_the_node_comes_first() -> None:
    rows = [("xcat|throttle", "7"), (f"{HOST}|xcat|throttle", "6"), (f"xcat|throttle|{HOST}", "5")]
    assert [limits(*rows[:number]).of(HOST) for number in (1, 2, 3)] == [7, 6, 5]
    assert limits(*rows).of("mn2.example.edu") == 7


def test_names_are_compared_as_the_database_does() -> None:
    assert limits(("XCAT|throttle|MN1.example.edu ", "5")).of(HOST) == 5


def test_a_part_of_the_host_name_is_another_name() -> None:
    assert limits(("xcat|throttle|mn1", "5")).of(HOST) == USUAL


@pytest.mark.parametrize("nothing", ["", "0"])
def test_nothing_and_zero_leave_it_to_the_next_row(nothing: str) -> None:
    assert limits((f"xcat|throttle|{HOST}", nothing), ("xcat|throttle", "7")).of(HOST) == 7
    assert problems(nothing) == []


@pytest.mark.parametrize("value", ["many", " 7", "7.5", "-7", "7 loads", "9" * 200, "00"])
def test_what_is_no_number_counts_as_ten_and_no_further_row_is_asked(value: str) -> None:
    assert limits((f"xcat|throttle|{HOST}", value), ("xcat|throttle", "7")).of(HOST) == USUAL
    (text,) = problems(value)
    assert text.startswith(f"is {value[:100]!r}")
    assert "write a whole number above 0" in text


@pytest.mark.parametrize("value", ["--- 7\n", "---\n7", "7\n...\n", "--- '7'\n", '"7"', "7"])
def test_a_number_of_yaml(value: str) -> None:
    assert limit(value, "yaml") == 7
    assert problems(value, "yaml") == []


@pytest.mark.parametrize("value", ["---\n- 7\n", "--- {limit: 7}\n", "--- many", "--- '7\n"])
def test_yaml_that_is_no_number_counts_as_ten(value: str) -> None:
    assert limit(value, "yaml") == USUAL
    assert len(problems(value, "yaml")) == 1


def test_vcld_does_not_read_what_php_has_serialized() -> None:
    rows = [Variable(f"xcat|throttle|{HOST}", "phpserialize", "i:5;"), Variable("xcat|throttle", "none", "7")]
    assert Limits(rows).of(HOST) == 7
    (text,) = problems("i:5;", "phpserialize")
    assert text == "is serialized by PHP, which vcld can't read: write a whole number, with serialization none"


def test_a_row_of_no_node_is_a_problem() -> None:
    (text,) = problems("5", name="xcat|throttle|mn1")
    assert text == "names no management node: write the node's hostname as in the table managementnode"
    assert problems("5", name=f"{HOST}|xcat|throttle") == []
