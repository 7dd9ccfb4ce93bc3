"""The settings file: who may read and write it, and which of its values the environment overrides."""

import os
import stat
from collections.abc import Iterator

from blockalloc.settings_check.problems import Problem, doubtful
from vclsite import environment


def check_modes() -> Iterator[Problem]:
    """A file with passwords that everybody may read, or that not only its owner may write."""
    path = environment.file().path
    try:
        mode = path.stat().st_mode if path else 0
    except OSError:
        return
    if mode & stat.S_IROTH:
        yield doubtful("", f"{path} can be read by everybody, and contains passwords: chmod 640 {path}")
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield doubtful("", f"{path} can be written by users other than its owner: chmod 640 {path}")


def check_hidden() -> Iterator[Problem]:
    """Values of the file that the environment overrides."""
    for name, value in environment.file().values.items():
        if os.environ.get(name, value) != value:
            yield doubtful(
                name,
                f"{name} has another value in the environment than in {environment.file().path}, and that of the "
                "environment is in force: unset the variable, or change the file",
            )
