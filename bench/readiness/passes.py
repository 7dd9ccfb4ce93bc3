"""The pass of keep_ready that days are played with, if the service has one."""

import importlib
import importlib.util
from collections.abc import Callable

_MODULE = "blockalloc.upkeep.passes"
Pass = Callable[[], object]


def exist() -> bool:
    """Whether the service can keep classes ready. Imports none of it: Django may have no settings yet."""
    try:
        return importlib.util.find_spec(_MODULE) is not None
    except ModuleNotFoundError:  # the package around it is missing
        return False


def run_pass() -> Pass | None:
    """What runs one pass; None where there is none."""
    if not exist():
        return None
    function: Pass = importlib.import_module(_MODULE).run_pass
    return function
