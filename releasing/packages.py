"""The pinned packages: static files of other versions would not be those of the release."""

import re
from importlib.metadata import PackageNotFoundError, version

from releasing.errors import Refused

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def check_installed(lock: str) -> None:
    """Raise Refused unless the packages that are installed here are those of the text of requirements.lock."""
    for name, pinned in _PINNED.findall(lock):
        installed = _installed(name)
        if installed != pinned:
            raise Refused(
                f"{name} is {installed or 'not installed'}, but requirements.lock has {pinned}: run bin/setup first"
            )


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
