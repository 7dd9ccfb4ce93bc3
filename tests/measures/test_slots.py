"""The files in which processes count: nothing is lost, their number is bounded, and no trouble with them is a call's.

Each process is a real one.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.multiprocess import MultiProcessCollector

from blockalloc.measures.slot import SIZE, TYPES, NoSlot, Slot
from tests.support.servers.own_process import ROOT, inherited, run_on_sqlite

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

BEGIN = """
import os, sys
from django.conf import settings
settings.configure(VCL_METRICS_DIR=os.environ["VCL_METRICS_DIR"])
from blockalloc.measures import calls, deliveries, guard, looks, passed_on, registry, sign_ins, values

def told(name):
    return sum(s.value for f in registry.collect() for s in f.samples if s.name == name)
"""
COUNT = "guard.count_retry()\n"
SAY = "print(told('blockalloc_retries_total'))\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory as the unit makes it."""
    made = tmp_path / "metrics"
    made.mkdir(mode=0o700)
    return made


def run(directory: Path | str, code: str) -> tuple[str, str]:
    """What a process of the service that counts there prints, and what it logs."""
    done = run_on_sqlite("-c", BEGIN + code, VCL_METRICS_DIR=str(directory))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def total(directory: Path) -> float:
    """The retries of all processes, as prometheus_client reads the files."""
    files = [str(path) for path in directory.glob("*.db")]
    samples = [sample for family in MultiProcessCollector.merge(files) for sample in family.samples]
    return sum(float(sample.value) for sample in samples if sample.name == "blockalloc_retries_total")


def test_a_process_goes_on_with_the_counts_of_one_that_has_ended(directory: Path) -> None:
    for number in range(1, 6):
        assert run(directory, COUNT + SAY)[0] == str(float(number))
    assert sorted(path.name for path in directory.iterdir()) == ["0.lock", "counter_0.db", "histogram_0.db"]


def test_one_that_was_killed_has_lost_nothing(directory: Path) -> None:
    assert run(directory, "if os.fork() == 0:\n    guard.count_retry(); os.kill(os.getpid(), 9)\nos.wait()")[0] == ""
    assert total(directory) == 1
    assert run(directory, COUNT + SAY)[0] == "2.0"


def test_processes_at_the_same_time_have_slots_of_their_own(directory: Path) -> None:
    waiting = [
        subprocess.Popen(
            [sys.executable, "-c", BEGIN + COUNT + "print('counted', flush=True); sys.stdin.read(); " + COUNT],
            env=inherited() | {"DATABASE_URL": "sqlite://:memory:", "VCL_METRICS_DIR": str(directory)},
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in waiting:
        assert process.stdout is not None
        assert process.stdout.readline() == b"counted\n"
    assert total(directory) == 3
    assert len([*directory.glob("counter_*.db")]) == 3
    for process in waiting:
        process.communicate()
    assert total(directory) == 6


def test_a_forked_process_counts_for_itself(directory: Path) -> None:
    """Its parent's counts are not told twice, and its parent's slot is not its own."""
    code = COUNT + "if os.fork() == 0:\n    guard.count_retry(); guard.count_retry(); os._exit(0)\nos.wait()\n" + COUNT
    run(directory, code)
    assert total(directory) == 4
    assert len([*directory.glob("counter_*.db")]) == 2


def test_all_space_is_taken_at_once(directory: Path) -> None:
    """Where a file has a hole, a process that writes into it is killed once the disk is full."""
    slot = Slot(directory)
    for kind in TYPES:
        found = (directory / f"{kind}_0.db").stat()
        assert found.st_blocks * 512 >= found.st_size == SIZE
    slot.close()


def test_all_series_fit_in_twice(directory: Path) -> None:
    left = "print(*values.directory().glob('*.db')); registry.collect()"
    run(directory, COUNT + left)
    for kind in TYPES:
        file = str(directory / f"{kind}_0.db")
        with Path(file).open("rb") as opened:
            used = int.from_bytes(opened.read(4), sys.byteorder)
        assert 1000 < used < SIZE / 2


def test_a_file_that_is_full_takes_no_more_and_fails_nobody(directory: Path) -> None:
    slot = Slot(directory)
    for number in range(5000):
        slot.write("counter", f'["name", "name_{number}", {{}}, "help"]', 1.0)
    slot.write("counter", '["name", "name_0", {}, "help"]', 7.0)
    assert slot.read("counter", '["name", "name_0", {}, "help"]') == 7
    assert (directory / "counter_0.db").stat().st_size == SIZE
    slot.close()


# --- Trouble ------------------------------------------------------------------------------------
def test_a_disk_that_is_full(directory: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    said, log = run(directory, limit + COUNT * 3 + SAY)
    assert said == "3.0"  # of itself
    assert log.count("this process counts for itself alone") == 1
    assert "File too large" in log
    assert run(directory, COUNT + SAY)[0] == "1.0"  # another time, with space


def test_what_was_counted_before_is_told_once_there_is_space(directory: Path) -> None:
    code = (
        "os.rmdir({0!r})\n"
        + COUNT
        + "os.mkdir({0!r}, 0o700)\nimport time; time.monotonic = lambda: 1e12\n"
        + COUNT
        + SAY
    )
    assert run(directory, code.format(str(directory)))[0] == "2.0"
    assert total(directory) == 2


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.rmdir(), "is not there"),
        (lambda path: (path.rmdir(), path.write_text("")), "is no directory"),
        (lambda path: path.chmod(0o770), "can be written by others"),
        (lambda path: (path / "0.lock").mkdir(), "Is a directory"),
        (lambda path: (path / "0.lock").symlink_to("/etc/passwd"), "Too many levels of symbolic links"),
    ],
    ids=["missing", "a file", "of a group", "no lock", "a link"],
)  # fmt: skip
def test_a_directory_that_cannot_be_used(directory: Path, spoil: object, said: str) -> None:
    assert callable(spoil)
    spoil(directory)
    printed, log = run(directory, COUNT * 2 + SAY)
    assert printed == "2.0"
    assert said in log
    assert log.count("counts for itself alone") == 1


def test_a_directory_of_somebody_else(directory: Path) -> None:
    if os.geteuid() == 0:
        os.chown(directory, 12345, 12345)
    else:
        directory = Path("/")
    assert "belongs to another user" in run(directory, COUNT)[1]


def test_without_a_directory_each_process_is_by_itself_and_says_nothing() -> None:
    for place in ("", "/run/blockalloc-metrics"):
        assert not Path("/run/blockalloc-metrics").exists()
        assert run(place, COUNT + SAY) == ("1.0", "")


def test_half_a_file_is_begun_anew(directory: Path) -> None:
    (directory / "counter_0.db").write_bytes(b"\xff\x7f\x00\x00" + b"\xff" * 5000)
    assert run(directory, COUNT + SAY)[0] == "1.0"


def test_a_file_of_another_process_that_cannot_be_read_hides_no_others(directory: Path) -> None:
    (directory / "counter_99.db").write_bytes(b"\xff\x7f\x00\x00" + b"\xff" * 5000)
    said, log = run(directory, COUNT + SAY)
    assert said == "1.0"
    assert "cannot all be read" in log


def test_more_processes_than_slots(directory: Path) -> None:
    code = "from blockalloc.measures import slot\nslot.MOST = 0\n" + COUNT + SAY
    said, log = run(directory, code)
    assert said == "1.0"
    assert "no slot left" in log


def test_a_slot_that_is_taken_is_taken(directory: Path) -> None:
    directory.chmod(0o755)
    slot = Slot(directory)
    assert run(directory, COUNT + SAY)[0] == "1.0"
    assert (directory / "counter_1.db").exists()
    slot.close()
    directory.chmod(0o777)
    with pytest.raises(NoSlot, match="by others"):
        Slot(directory)
