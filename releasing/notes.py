"""The version, and its part of the changelog."""

import re

from releasing.errors import Refused

_VERSION = re.compile(r'^VERSION = "(\d+\.\d+\.\d+)"$', re.MULTILINE)


def version_in(source: str) -> str:
    """The version that the text of version.py names."""
    found = _VERSION.search(source)
    if found is None:
        raise Refused('blockalloc/version.py has no line VERSION = "1.2.3"')
    return found[1]


def notes_of(version: str, changelog: str) -> str:
    """The section of a version, with its heading as the title. Raises Refused when there is none, or nothing in it."""
    heading = re.compile(rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    found = heading.search(changelog)
    if found is None:
        raise Refused(f"CHANGELOG.md has no section ## {version}: write what is new in it")
    text = found[1].strip()
    if not text:
        raise Refused(f"the section ## {version} of CHANGELOG.md is empty: write what is new")
    return f"# Block allocations for Apache VCL, {version}\n\n{text}\n"
