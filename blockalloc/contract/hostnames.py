"""Computers by what people call them."""

from collections.abc import Mapping


def matching(names: Mapping[int, str], wanted: str) -> list[int]:
    """The ids of computers with this name, in any case; if there is none, of those with it before their domain."""
    name = wanted.strip().casefold()
    whole = [id_ for id_, full in names.items() if full.casefold() == name]
    return whole or [id_ for id_, full in names.items() if full.casefold().partition(".")[0] == name]
