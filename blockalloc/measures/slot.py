"""The files in which a process keeps its counts: a slot of the directory VCL_METRICS_DIR.

A process has the first slot that no other process has. It goes on with the counts that it finds there, those of a
process that has ended: so counters never go back, and there are never more slots than processes at a time. A lock says
who has a slot, and not a process id: containers that share the directory have equal ids.

The files are those of prometheus_client's multiprocess mode. It lets files grow without asking for the space, and a
process that writes where the disk has none is killed (SIGBUS). So all space of a slot is taken at its beginning.
"""

import fcntl
import json
import os
import stat
import struct
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

TYPES = ("counter", "histogram")
SIZE = 1 << 17  # bytes of a file; all our series together need about a third (a test)
MOST = 128  # slots: workers of two gunicorns at a reload, and the loops

_HEAD, _OF_VALUE = 8, 20  # bytes: before the first entry; of an entry beside its key
_PADDING = 8


class NoSlot(Exception):
    """The directory cannot be used, in words for the log."""


class Slot:
    """A slot of this process, until it ends. Not safe for threads."""

    def __init__(self, directory: Path) -> None:
        """Take a slot. Raises NoSlot, OSError."""
        examine(directory)
        self._place = directory
        self._lock, number = _take(directory)
        try:
            self._files = {kind: _File(directory / f"{kind}_{number}.db") for kind in TYPES}
        except BaseException:
            os.close(self._lock)
            raise

    def read(self, kind: str, key: str) -> float:
        """The value that the slot has under a key; 0 if it has none. `kind` is one of TYPES."""
        return self._files[kind].read(key)

    def write(self, kind: str, key: str, value: float) -> None:
        """Keep a value. One for which there is no room is not kept."""
        self._files[kind].write(key, value)

    @property
    def is_in_place(self) -> bool:
        """Whether its files can still be found by others: nobody has removed the directory."""
        return os.fstat(self._lock).st_nlink > 0 and self._place.is_dir()

    def close(self) -> None:
        """Give the slot up. In a process that was forked this leaves the slot with its parent."""
        for file in self._files.values():
            file.close()
        os.close(self._lock)


class _File:
    """A file of counts, with all its space."""

    def __init__(self, path: Path) -> None:
        try:
            self._open(path)
        except (ValueError, RuntimeError, struct.error):  # a crash of the machine has left it half-written
            path.unlink()
            self._open(path)

    def read(self, key: str) -> float:
        return float(self._counts.read_value(key)[0]) if key in self._keys else 0.0

    def write(self, key: str, value: float) -> None:
        if key not in self._keys:
            needed = _bytes_of(key)
            if needed > self._room:
                return
            self._room -= needed
            self._keys.add(key)
        self._counts.write_value(key, value, 0.0)

    def close(self) -> None:
        self._counts.close()

    def _open(self, path: Path) -> None:
        with path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, SIZE)
        self._counts = MmapedDict(str(path))
        self._keys = {key for key, _value, _at in self._counts.read_all_values()}
        for key in self._keys:
            json.loads(key)  # raises ValueError
        self._room = SIZE - _HEAD - sum(map(_bytes_of, self._keys))


def examine(directory: Path) -> None:
    """Raise NoSlot unless nobody but this user can put anything into the directory."""
    try:
        found = directory.stat()
    except FileNotFoundError:
        raise NoSlot(f"{directory} is not there") from None
    if not stat.S_ISDIR(found.st_mode):
        raise NoSlot(f"{directory} is no directory")
    if found.st_uid != os.geteuid():
        raise NoSlot(f"{directory} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NoSlot(f"{directory} can be written by others than its owner")


def _take(directory: Path) -> tuple[int, int]:
    """The lock of the first slot that nobody has, as a descriptor, and the slot's number."""
    for number in range(MOST):
        lock = os.open(directory / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            # A lock of the process itself: a child that is forked from it does not have it.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        except BaseException:
            os.close(lock)
            raise
        else:
            return lock, number
    raise NoSlot(f"{directory} has no slot left: {MOST} processes use it")


def _bytes_of(key: str) -> int:
    """The most that a key and its value need in a file."""
    return len(key.encode()) + _PADDING + _OF_VALUE
