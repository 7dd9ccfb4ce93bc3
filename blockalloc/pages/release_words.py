"""What a release did, in sentences: records have it in a short form that other programs read as well."""

import re

from scheduling.wording import plural

_RELEASED = re.compile(
    r"computers released: (?P<number>\d+), reloads removed: (?P<reloads>\d+)"
    r"(?:; loads that have begun or are about to were left: (?P<loading>[^:;]+))?: (?P<names>[^;]+)"
)
_LEFT = re.compile(r"machines left: (\d+)")
_IN_USE = "in use by now, so left in the class: "
_HAD_NONE = "it had no computers"


def in_sentences(text: str) -> str:
    """The text of a record as sentences; what is not known stays as it is.

    `Released 2 computers: c10 and c11. 1 reload was removed. The load of c10 goes on.`
    """
    found = _RELEASED.search(text)
    if found is None:
        return " ".join(_sentence(part) for part in text.split("; "))
    before, after = text[: found.start()], text[found.end() :]
    parts = [part for part in (*before.split("; "), *_of_computers(found), *after.split("; ")) if part]
    return " ".join(map(_sentence, parts))


def _of_computers(found: re.Match[str]) -> list[str]:
    reloads, loading = int(found["reloads"]), found["loading"]
    return [
        f"released {plural(int(found['number']), 'computer')}: {_listed(found['names'])}",
        f"{plural(reloads, 'reload')} {'was' if reloads == 1 else 'were'} removed" if reloads else "",
        _that_go_on(loading) if loading else "",
    ]


def _sentence(part: str) -> str:
    if left := _LEFT.fullmatch(part):
        part = f"the class has {plural(int(left[1]), 'machine')} left"
    elif part.startswith(_IN_USE):
        part = f"left in the class: {part.removeprefix(_IN_USE)}, in use by now"
    elif part == _HAD_NONE:
        part = "it had no computers to release"
    return f"{part[0].upper()}{part[1:]}."


def _that_go_on(loading: str) -> str:
    what, go = ("the loads", "go") if ", " in loading else ("the load", "goes")
    return f"{what} of {_listed(loading)} {go} on"


def _listed(names: str) -> str:
    """`c10, c11 and c12`."""
    *others, last = names.split(", ")
    return f"{', '.join(others)} and {last}" if others else last
