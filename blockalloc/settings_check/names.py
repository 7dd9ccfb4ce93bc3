"""Names that nothing reads: most often misspelled settings, which are not in force."""

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
    """Names in the file that are not settings."""
    known = _settings()
    for name in environment.file().values:
        if name not in known and _NAME.fullmatch(name):
            yield doubtful(name, f"{name} in {environment.file().path} is not a setting{_perhaps(name, known)}")
        elif name not in known:  # it may be the second line of a value
            yield doubtful("", f"in a line of {environment.file().path}, the name before = is not a setting: remove it")


def check_environment() -> Iterator[Problem]:
    """Names in the environment that look like settings but are not."""
    known = {*_settings(), *settings_file.ENVIRONMENT_ONLY}
    for name in sorted(os.environ):
        if name.startswith(_OURS) and not name.startswith(_THEIRS) and name not in known:
            yield doubtful(name, f"{name} in the environment is not a setting{_perhaps(name, known)}")


def _settings() -> set[str]:
    return {setting.name for setting in environment.in_force()}


def _perhaps(name: str, known: set[str]) -> str:
    nearest = difflib.get_close_matches(name.upper(), sorted(known), n=1)
    return f": did you mean {nearest[0]}?" if nearest else ": remove it (docs/settings.md lists them all)"
