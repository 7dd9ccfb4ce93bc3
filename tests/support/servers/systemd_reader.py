"""systemd's own reader of environment files, as it reads EnvironmentFile= of a unit: no copy of its rules.

It is a function of the library that all programs of systemd share. The library is part of every installation of
systemd, works without a running systemd, and is fetched by bin/setup where it is missing (in a container).
"""

import ctypes
import sys
from functools import cache
from pathlib import Path

# Where the package puts it, and where bin/setup puts it when it may not install the package.
_PLACES = (Path("/usr/lib"), Path("/lib"), Path(sys.prefix) / "systemd" / "usr" / "lib")


class NotRead(Exception):
    """systemd rejects the file."""


def load(path: Path) -> dict[str, str]:
    """The variables that systemd reads from a file. Raises NotRead when it rejects the file."""
    library = _library()
    values = ctypes.POINTER(ctypes.c_char_p)()
    error = library.load_env_file(None, str(path).encode(), ctypes.byref(values))
    if error < 0:
        raise NotRead(f"error {-error}")
    pairs: list[str] = []
    while values and values[len(pairs)] is not None:
        pairs.append(values[len(pairs)].decode())
    library.strv_free(values)
    return dict(pair.split("=", 1) for pair in pairs)


@cache
def _library() -> ctypes.CDLL:
    libraries = [path for place in _PLACES for path in place.glob("*/systemd/libsystemd-shared-*.so")]
    libraries += [path for place in _PLACES for path in place.glob("systemd/libsystemd-shared-*.so")]
    assert libraries, "systemd's library (package libsystemd-shared) is not here: bin/setup --tests fetches it"
    library = ctypes.CDLL(str(libraries[0]))
    # int load_env_file(FILE *file, const char *path, char ***pairs): the function behind EnvironmentFile=
    library.load_env_file.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    library.strv_free.argtypes = (ctypes.c_void_p,)
    library.strv_free.restype = ctypes.c_void_p
    return library
