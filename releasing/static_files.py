"""The static files of a release, as its own `collectstatic` collects them: hashed names, compressed."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from releasing.checkout import Entry
from releasing.errors import Refused

FOLDER = "static"
# The settings of a site have no part in it.
_SETTINGS = {"BLOCKALLOC_ENV": "", "BLOCKALLOC_DEMO": "", "DATABASE_URL": "sqlite://:memory:"}


def collected(files: Mapping[str, Entry]) -> dict[str, Entry]:
    """The static files by their paths in the archive, collected from the files of a release."""
    with TemporaryDirectory() as folder:
        tree = Path(folder)
        for path, entry in files.items():
            place = tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(entry.content)
        (tree / FOLDER).mkdir()  # where it is, the settings use it
        command = [sys.executable, "-B", "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
        done = subprocess.run(
            command, cwd=tree, env={**os.environ, **_SETTINGS}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Refused(f"the static files could not be collected:\n{done.stdout}{done.stderr}")
        paths = [path for path in (tree / FOLDER).rglob("*") if path.is_file()]
        return {str(path.relative_to(tree)): Entry(path.read_bytes(), 0o644) for path in paths}
