"""requirements.lock: exactly what requirements.txt asks for and what that needs, every file of it by its hashes."""

import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.servers.own_process import ROOT

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

_ENTRY = re.compile(r"([A-Za-z0-9._-]+)==([^ ;]+) \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")
# Where the service runs, as far as packages ask.
_PLACES = [
    {"python_version": version, "python_full_version": f"{version}.0", "sys_platform": "linux", "extra": ""}
    for version in ("3.11", "3.12", "3.13")
]


def lines(name: str) -> str:
    """The file without its comments."""
    return re.sub(r"^ *#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)


def locked() -> dict[str, str]:
    return {canonicalize_name(name): version for name, version, _ in _ENTRY.findall(lines("requirements.lock"))}


def asked_for() -> dict[str, str]:
    pinned = [line.split("==") for line in lines("requirements.txt").split()]
    return {canonicalize_name(name): version for name, version in pinned}


def test_every_line_is_a_pinned_package_with_hashes() -> None:
    assert _ENTRY.sub("", lines("requirements.lock")).strip() == ""
    assert len(locked()) == len(_ENTRY.findall(lines("requirements.lock")))


def test_no_registry_is_named() -> None:
    assert not re.search(r"https?://|--index-url|--trusted-host", (ROOT / "requirements.lock").read_text())


def test_versions_are_those_of_the_requirements() -> None:
    assert asked_for().items() <= locked().items()


@pytest.mark.parametrize("place", _PLACES, ids=lambda place: str(place["python_version"]))
def test_what_packages_need_is_there_on_each_python(place: dict[str, str]) -> None:
    needed, to_see = set(), list(asked_for())
    while to_see:
        name = to_see.pop()
        if name in needed:
            continue
        needed.add(name)
        for requirement in map(Requirement, requires(name) or ()):
            if requirement.marker is None or requirement.marker.evaluate(place):
                other = canonicalize_name(requirement.name)
                assert other in locked(), f"{name} needs {requirement}"
                assert requirement.specifier.contains(locked()[other]), f"{name} needs {requirement}"
                to_see.append(other)
    assert needed <= set(locked())


def test_nothing_else_is_there() -> None:
    """Of all Pythons together."""
    needed, to_see = set(), list(asked_for())
    while to_see:
        name = to_see.pop()
        if name not in needed:
            needed.add(name)
            to_see += [
                canonicalize_name(requirement.name)
                for requirement in map(Requirement, requires(name) or ())
                if requirement.marker is None or any(map(requirement.marker.evaluate, _PLACES))
            ]
    assert needed == set(locked())
