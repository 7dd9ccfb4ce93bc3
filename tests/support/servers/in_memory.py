"""A place for databases that need not outlive the tests: in memory, where no write waits for a disk."""

import os
import tempfile
from pathlib import Path


def folder_in_memory(prefix: str) -> Path:
    """A new folder, in memory where the system has a file system for that. The caller removes it."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - only the place; mkdtemp makes a directory of our own
    place = shared_memory if os.access(shared_memory, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix=prefix, dir=place))
