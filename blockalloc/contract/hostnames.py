"""Computers by host name, with or without its domain."""

from collections.abc import Mapping


def matching(names: Mapping[int, str], wanted: str) -> list[int]:
    """The ids of computers with this full name, in any case; if there are none, of computers with it as short name."""
    name = wanted.strip().casefold()
    whole = [id_ for id_, full in names.items() if full.casefold() == name]
    return whole or [id_ for id_, full in names.items() if full.casefold().partition(".")[0] == name]
