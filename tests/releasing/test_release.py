"""`make release`: the same archive from the same commit, complete, and pages that work with what it collected."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from blockalloc.version import VERSION
from releasing.__main__ import build
from releasing.errors import Refused
from releasing.notes import notes_of, version_in
from releasing.packages import check_installed
from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, inherited

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NAME = f"blockalloc-{VERSION}"
# What a browser gets: each of the addresses, with its status and how long it may be kept.
LOOK = """
import json, sys
import django
django.setup()
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client
names = sys.argv[1:] or list(staticfiles_storage.hashed_files)
client = Client(headers={"accept-encoding": "gzip"})
answers = {}
for address in ["/admin/login/", *map(staticfiles_storage.url, names)]:
    answer = client.get(address, secure=True)
    answers[address] = [answer.status_code, answer.headers.get("Cache-Control", "")]
    answer.close()
page = client.get("/admin/login/", secure=True).content.decode()
print(json.dumps({"debug": settings.DEBUG, "answers": answers, "page": page}))
"""


def git(checkout: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.edu", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=checkout, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkout of what is being tested, with one commit of it."""
    checkout = tmp_path_factory.mktemp("release") / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "All of it")
    yield checkout
    shutil.rmtree(checkout)


@pytest.fixture(scope="module")
def made(original: Path) -> list[Path]:
    return build(original, original / "dist")


@pytest.fixture
def checkout(original: Path) -> Iterator[Path]:
    """The same, to be changed."""
    yield original
    first = git(original, "rev-list", "--max-parents=0", "HEAD").strip()
    git(original, "reset", "-q", "--hard", first)
    git(original, "clean", "-qfd")


def test_the_same_commit_makes_the_same_bytes(original: Path, made: list[Path], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(original), str(clone))
    old = os.umask(0o077)
    try:
        again = build(clone, clone / "dist")
    finally:
        os.umask(old)
    assert [path.name for path in again] == [f"{NAME}.tar.gz", f"{NAME}.tar.gz.sha256", f"{NAME}.md"]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in made]


def test_checksum_and_notes(made: list[Path]) -> None:
    archive, checksum, notes = made
    assert checksum.read_text() == f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
    head, _, rest = notes.read_text().partition("\n\n")
    assert head == f"# Block allocations for Apache VCL, {VERSION}"
    assert "\n### " in f"\n{rest}"
    assert "## 0.1.0" not in notes.read_text()


def test_what_is_in_it(original: Path, made: list[Path]) -> None:
    with tarfile.open(made[0]) as tar:
        members = {member.name: member for member in tar}
        about = tar.extractfile(f"{NAME}/RELEASE")
        assert about is not None
        commit, date = git(original, "log", "-1", "--format=%H %cd", "--date=format-local:%s").split()
        assert f"version={VERSION}\ncommit={commit}\ndate=20" in about.read().decode()
    assert list(members) == sorted(members, key=lambda name: (members[name].isreg(), name))
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members.values()} == {
        (0, 0, "root", int(date))
    }
    assert {member.mode for member in members.values()} == {0o644, 0o755}
    programs = {name for name, member in members.items() if member.isreg() and member.mode & stat.S_IXUSR}
    assert f"{NAME}/manage.py" in programs
    assert f"{NAME}/bin/setup" in programs
    tops = {name.split("/")[1] for name in members if "/" in name}
    assert tops >= {"bin", "blockalloc", "deploy", "docs", "requirements.lock", "static", "templates", "vclsite"}
    assert not tops & {"tests", "verification", "bench", "releasing", ".ci", ".gitignore", "var", "dist", ".venv"}
    assert not [name for name in members if "__pycache__" in name]


def test_pages_work_with_the_collected_files(made: list[Path], tmp_path: Path) -> None:
    with tarfile.open(made[0]) as tar:
        tar.extractall(tmp_path)  # noqa: S202 - made by this test
    seen = looked(tmp_path / NAME)
    answers = seen["answers"]
    assert not seen["debug"]
    assert answers.pop("/admin/login/")[0] == 200
    assert len(answers) > 100
    assert {status for status, _ in answers.values()} == {200}
    kept = {address for address, (_, caching) in answers.items() if caching == "max-age=315360000, public, immutable"}
    assert {address.rpartition(".")[2] for address in kept} >= {"css", "js", "svg"}
    assert {Path(address).name.split(".")[0] for address in answers.keys() - kept} == {"LICENSE"}  # no page uses these
    used = [part.split('"')[0] for part in seen["page"].split('"/static/')[1:]]
    assert used
    assert {f"/static/{name}" for name in used} <= set(answers)


def test_pages_of_a_checkout_work_as_they_are(original: Path) -> None:
    seen = looked(original, "admin/css/base.css", "blockalloc/parts.css")
    assert not seen["debug"]
    assert {address: answer[0] for address, answer in seen["answers"].items()} == {
        "/admin/login/": 200,
        "/static/admin/css/base.css": 200,
        "/static/blockalloc/parts.css": 200,
    }
    assert "immutable" not in str(seen["answers"])


def looked(folder: Path, *names: str) -> dict[str, Any]:
    settings = {
        "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_ALLOWED_HOSTS": "testserver",
        "DJANGO_SECRET_KEY": SECRET_KEY,
    }
    done = subprocess.run(
        [sys.executable, "-B", "-c", LOOK, *names],
        cwd=folder,
        env={**inherited(), **settings, "DJANGO_SETTINGS_MODULE": "vclsite.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize("file", ["README.md", "blockalloc/forgotten.py"])
def test_changes_that_are_not_committed_are_refused(checkout: Path, file: str) -> None:
    (checkout / file).write_text("changed", encoding="utf-8")
    with pytest.raises(Refused, match=rf"not committed \({file}\)"):
        build(checkout, checkout / "other")
    assert not (checkout / "other").exists()


def test_a_link_is_refused(checkout: Path) -> None:
    (checkout / "docs" / "link.md").symlink_to("api.md")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "A link")
    with pytest.raises(Refused, match=r"docs/link\.md is neither"):
        build(checkout, checkout / "other")


def test_a_version_without_notes_is_refused(checkout: Path) -> None:
    (checkout / "blockalloc" / "version.py").write_text('VERSION = "9.9.9"\n', encoding="utf-8")
    git(checkout, "commit", "-qam", "Another version")
    with pytest.raises(Refused, match=r"no section ## 9\.9\.9"):
        build(checkout, checkout / "other")
    assert not (checkout / "other").exists()


def test_a_folder_inside_a_checkout_is_none(original: Path) -> None:
    with pytest.raises(Refused, match="no checkout of its own"):
        build(original / "docs", original / "other")


def test_notes() -> None:
    changelog = "# Changelog\n\n## 1.2.0 (unreleased)\n\n### Calls\n\n- New.\n\n## 1.1.0\n\n## 1.0.0\n\nOld.\n"
    assert notes_of("1.2.0", changelog) == "# Block allocations for Apache VCL, 1.2.0\n\n### Calls\n\n- New.\n"
    assert notes_of("1.0.0", changelog).endswith(", 1.0.0\n\nOld.\n")
    with pytest.raises(Refused, match="is empty"):
        notes_of("1.1.0", changelog)
    with pytest.raises(Refused, match=r"no section ## 1\.2:"):
        notes_of("1.2", changelog)
    assert version_in('"""Text."""\n\nVERSION = "1.2.0"\n') == "1.2.0"
    with pytest.raises(Refused, match="no line"):
        version_in("VERSION = '1.2'")


def test_static_files_of_other_packages_would_not_be_those_of_the_release() -> None:
    check_installed(f"# text\npytest-django=={version('pytest-django')} \\\n")
    with pytest.raises(Refused, match=r"pytest is .*, but requirements\.lock has 0\.1: run bin/setup"):
        check_installed("pytest==0.1 \\\n    --hash=sha256:00\n")
    with pytest.raises(Refused, match="no-such-package is not installed"):
        check_installed("no-such-package==1.0\n")
