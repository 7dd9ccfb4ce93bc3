"""`python -m releasing`: builds the archive of the version in blockalloc/version.py from the last commit, in dist/."""

import argparse
import hashlib
import sys
from pathlib import Path

from releasing.archive import packed
from releasing.checkout import Commit, Entry, clean_commit, files
from releasing.errors import Refused
from releasing.notes import notes_of, version_in
from releasing.packages import check_installed
from releasing.static_files import collected

ROOT = Path(__file__).resolve().parent.parent


def build(root: Path, into: Path) -> list[Path]:
    """Build archive, checksum and notes; their paths. Raises Refused, and then nothing is written."""
    commit = clean_commit(root)
    of_release = dict(files(root, commit))
    version = version_in(_text(of_release, "blockalloc/version.py"))
    notes = notes_of(version, _text(of_release, "CHANGELOG.md"))
    check_installed(_text(of_release, "requirements.lock"))
    of_release |= collected(of_release)
    of_release["RELEASE"] = _about(version, commit)
    name = f"blockalloc-{version}"
    archive = packed(name, of_release, commit.time)
    checksum = f"{hashlib.sha256(archive).hexdigest()}  {name}.tar.gz\n"
    into.mkdir(parents=True, exist_ok=True)
    made = {f"{name}.tar.gz": archive, f"{name}.tar.gz.sha256": checksum.encode(), f"{name}.md": notes.encode()}
    return [_written(into / file, content) for file, content in made.items()]


def _about(version: str, commit: Commit) -> Entry:
    return Entry(f"version={version}\ncommit={commit.name}\ndate={commit.date}\n".encode(), 0o644)


def _text(of_release: dict[str, Entry], path: str) -> str:
    if path not in of_release:
        raise Refused(f"the last commit has no {path}")
    return of_release[path].content.decode()


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def main() -> None:
    """Exit status 1 when the release is refused."""
    parser = argparse.ArgumentParser(prog="python -m releasing", description=__doc__)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the checkout (default: this one)")
    parser.add_argument("--into", type=Path, help="the folder for what is built (default: dist/ of the checkout)")
    options = parser.parse_args()
    try:
        made = build(options.checkout, options.into or options.checkout / "dist")
    except Refused as refusal:
        sys.exit(f"error: {refusal}")
    print("\n".join(f"{path} ({path.stat().st_size:,} bytes)" for path in made))


if __name__ == "__main__":
    main()
