"""Names that nothing reads: most often settings that are misspelled, and so not in force."""

import difflib
import os
import re
from collections.abc import Iterator

from blockalloc.settings_check.problems import Problem, doubtful
from vclsite import environment, settings_file

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_OURS = ("VCL_", "BLOCKALLOC_", "DJANGO_", "GUNICORN_")
# Variables of Django and of gunicorn themselves, which they read in the environment only.
_THEIRS = ("DJANGO_SETTINGS_MODULE", "DJANGO_COLORS", "DJANGO_AUTO_COMPLETE", "DJANGO_SUPERUSER_", "GUNICORN_CMD_ARGS")


def check_file() -> Iterator[Problem]:
    """Names in the file that are no settings."""
    known = _settings()
    for name in environment.file().values:
        if name not in known and _NAME.fullmatch(name):
            yield doubtful(name, f"{name} in {environment.file().path} is no setting{_perhaps(name, known)}")
        elif name not in known:  # it may be a value that went on in a second line
            yield doubtful("", f"a line of {environment.file().path} has a name before = that is no setting: remove it")


def check_environment() -> Iterator[Problem]:
    """Names in the environment that look like settings and are none."""
    known = {*_settings(), settings_file.WHICH, settings_file.DEMO}
    for name in sorted(os.environ):
        if name.startswith(_OURS) and not name.startswith(_THEIRS) and name not in known:
            yield doubtful(name, f"{name} in the environment is no setting{_perhaps(name, known)}")


def _settings() -> set[str]:
    return {setting.name for setting in environment.in_force()}


def _perhaps(name: str, known: set[str]) -> str:
    nearest = difflib.get_close_matches(name.upper(), sorted(known), n=1)
    return f": {nearest[0]} may be meant" if nearest else ": remove it (docs/settings.md lists them all)"
