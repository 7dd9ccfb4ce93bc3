"""The settings file as text: reading it, and adding lines. The service itself checks what is in it."""

from collections.abc import Mapping


def values_of(text: str) -> dict[str, str]:
    """The settings in the file. Quotes around a value are left out; lines that are none are left to the service."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    quote = value[:1]
    if len(value) < 2 or quote not in "'\"" or value[-1] != quote:
        return value
    inside = value[1:-1]
    return inside.replace('\\"', '"').replace("\\\\", "\\") if quote == '"' else inside


def with_values(text: str, added: Mapping[str, str], comments: Mapping[str, str]) -> str:
    """The file with settings added at its end, each below its comment. Values need no quotes (`needs_quotes`)."""
    present = values_of(text)
    lines = [text.rstrip("\n")] if text.strip() else []
    for name, value in added.items():
        if name in present:
            continue
        if name in comments:
            lines.append(f"# {comments[name]}")
        lines.append(f"{name}={value}")
    return "\n".join(lines) + "\n"


def needs_quotes(value: str) -> bool:
    """Whether a value has characters that would mean something in the file."""
    return any(character in "'\"\\#;" or character.isspace() or not character.isprintable() for character in value)
