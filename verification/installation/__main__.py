"""Install, upgrade, go back and remove, on a booted bare Debian. Exit status 1: something is not as it should be."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from verification.installation.archives import build
from verification.installation.bare_root import bare_root
from verification.installation.container import Container
from verification.installation.story import Broken, Story

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter", "git")


def main() -> None:
    """Tell the story, chapter by chapter."""
    parser = argparse.ArgumentParser(prog="python -m verification.installation", description=__doc__)
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "installation", help="for the bare root, 1 GB")
    parser.add_argument("--keep", action="store_true", help="keep the machine's files, and say where they are")
    options = parser.parse_args()
    missing = [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    if os.geteuid() != 0 or missing:
        sys.exit(f"error: this needs root, and {', '.join(PROGRAMS)} (missing: {', '.join(missing) or 'none'})")
    say("Fetching what is needed (some minutes, the first time)")
    options.cache.mkdir(parents=True, exist_ok=True)
    made = bare_root(options.cache, ROOT / "requirements.lock")
    folder = Path(tempfile.mkdtemp(prefix="machine-", dir=options.cache))
    try:
        tell(made, folder)
    except Broken as broken:
        sys.exit(f"error: {broken}")
    finally:
        if options.keep:
            say(f"the machine's files: {folder}")
        else:
            shutil.rmtree(folder)


def tell(made: Path, folder: Path) -> None:
    """Make the archives and the machine, and do everything on it."""
    say("Building the archives")
    archives = build(ROOT, folder)
    root = folder / "root"
    subprocess.run(["cp", "-a", str(made / "root"), str(root)], check=True)  # with its devices
    for path in archives.paths:
        for name in (path.name, f"{path.name}.sha256"):
            shutil.copyfile(path.with_name(name), root / "root" / name)
    shutil.copytree(made / "wheels", root / "root" / "wheels")
    with Container(root) as machine:
        story = Story(machine, archives.versions, say)
        chapters = [story.site, story.without_python, story.dry_run, story.refusals, story.installation, story.call]
        chapters += [story.least_rights, story.again, story.upgrade, story.broken_release, story.back, story.removal]
        chapters += [story.with_an_administrator]
        for chapter in chapters:
            begin = time.monotonic()
            say(f"{chapter.__name__}: {(chapter.__doc__ or '').strip()}")
            chapter()
            say(f"  ({time.monotonic() - begin:.0f} s)")
    say("The installation is as it should be.")


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
