"""Hands the service over from one gunicorn to another without a gap: `systemctl reload blockalloc`.

The unit's ExecReload runs this module (`hand_over`). It asks the first process of the gunicorn that serves, by SIGUSR2,
to start a successor beside itself, on the same listening socket (`start_successor`), waits until a worker of the
successor has loaded the application (`announce`), and only then tells the old gunicorn to finish its calls and to end.
A successor that cannot start, because of its settings, say, changes nothing: the old one goes on, and the reload fails.

The two sides may be of different releases, so they share no more than three files in $RUNTIME_DIRECTORY: `release`, the
directory of the release that is to serve, and two with the number of a process: `successor`, which was started last,
and `serving`, whose workers have loaded the application.

Only the standard library is imported here: what is handed over may be unable to load anything else.
"""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

_FIRST_PASSED = 3  # the number of the first descriptor that is passed on, by systemd's convention
_RELEASE, _SUCCESSOR, _SERVING = "release", "successor", "serving"
_OWN_RELEASE = Path(__file__).resolve().parent.parent
_START_SECONDS, _LOAD_SECONDS, _END_SECONDS = 15.0, 75.0, 5.0


class HandoverFailed(Exception):
    """The old gunicorn goes on serving; the text says why."""


# --- In gunicorn: called by deploy/gunicorn.conf.py -----------------------------------------------
def start_successor(server: Any) -> NoReturn:
    """Become the successor of gunicorn's arbiter `server`, in a process that was forked from it. Never returns.

    gunicorn would go on as if the fork was the server itself if this failed, and would start the release that it is
    itself of; hence all of it is done here.
    """
    try:
        # The successor is nobody's child: systemd's first process takes it on, and learns when it ends.
        if os.fork() == 0:
            _execute([listener.fileno() for listener in server.LISTENERS], server.cfg.env_orig)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def announce(master: int, notify_socket: str) -> None:
    """Say that a worker of the gunicorn with the process `master` has loaded the application."""
    try:
        _note(_SERVING, master)
    except OSError as error:  # a full disk must not keep the service from starting
        print(f"a reload will not succeed: {_SERVING} in $RUNTIME_DIRECTORY: {error}", file=sys.stderr)
    notify("READY=1", notify_socket)


def is_announced() -> bool:
    """Whether a worker has said so since the service was started, or since the last reload began."""
    directory = os.environ.get("RUNTIME_DIRECTORY")
    return not directory or Path(directory, _SERVING).exists()


def notify(state: str, notify_socket: str) -> None:
    """Tell systemd; without effect where it did not start the service."""
    if not notify_socket:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(notify_socket.replace("@", "\0", 1) if notify_socket.startswith("@") else notify_socket)
        sender.sendall(state.encode())


def _execute(listeners: Sequence[int], environment: Mapping[str, str]) -> NoReturn:
    for number in listeners:  # else each successor would have one descriptor more
        os.set_inheritable(number, False)
    # Away from the numbers to which they are copied, first.
    kept = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _FIRST_PASSED + len(listeners)) for number in listeners]
    for place, number in enumerate(kept, _FIRST_PASSED):
        os.dup2(number, place)
    passed = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(listeners))}
    release = _release_to_serve()
    # Each release has a Python environment of its own; in a checkout it may be anywhere.
    has_own = Path(sys.prefix) == _OWN_RELEASE / ".venv"
    python = str(release / ".venv" / "bin" / "python") if has_own else sys.executable
    _note(_SUCCESSOR, os.getpid())
    os.chdir(release)  # Python imports from where it is started
    command = [python, "-m", "gunicorn", "-c", str(release / "deploy" / "gunicorn.conf.py")]
    os.execve(python, command, {**environment, **passed})  # noqa: S606


def _release_to_serve() -> Path:
    directory = os.environ.get("RUNTIME_DIRECTORY")
    return Path(Path(directory, _RELEASE).read_text().rstrip("\n")) if directory else _OWN_RELEASE


def _note(name: str, process: int) -> None:
    if directory := os.environ.get("RUNTIME_DIRECTORY"):
        whole = Path(directory, f"{name}.{process}")
        whole.write_text(f"{process}\n")
        whole.rename(Path(directory, name))  # never half-written


# --- In systemd's ExecReload ----------------------------------------------------------------------
def hand_over(master: int, directory: Path, notify_socket: str) -> int:
    """Replace the gunicorn with the process `master`; the process of the one that serves then.

    Raises HandoverFailed.
    """
    successor_file, serving_file = directory / _SUCCESSOR, directory / _SERVING
    for file in (successor_file, serving_file):
        file.unlink(missing_ok=True)
    # systemd has started this process in the directory to which the link to the current release leads by now.
    (directory / _RELEASE).write_text(f"{Path.cwd()}\n")
    try:
        os.kill(master, signal.SIGUSR2)
    except ProcessLookupError:
        raise HandoverFailed(f"there is no process {master}") from None
    if not _comes_true(lambda: successor_file.exists(), _START_SECONDS):
        raise HandoverFailed(f"process {master} started no successor")
    successor = int(successor_file.read_text())
    loaded = _comes_true(lambda: _number_in(serving_file) == successor or not _is_alive(successor), _LOAD_SECONDS)
    if not loaded or not _is_alive(successor):
        _end(successor)
        why = "ended" if loaded else f"did not load the application within {_LOAD_SECONDS:.0f} seconds"
        raise HandoverFailed(f"the new process {why}; the reason is in the log")
    notify(f"MAINPID={successor}", notify_socket)
    with contextlib.suppress(ProcessLookupError):
        os.kill(master, signal.SIGTERM)
    return successor


def _comes_true(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _number_in(file: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(file.read_text())
    return 0


def _is_alive(process: int) -> bool:
    """Whether a process of this user runs; one that has ended and that nobody has asked about does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Of a process in another user namespace (PrivateUsers=) there is nothing to read.
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return True


def _end(process: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
        if _comes_true(lambda: not _is_alive(process), _END_SECONDS):
            return


def main() -> int:
    """Hand over as systemd asks for it; the exit status."""
    try:
        master, directory = int(os.environ["MAINPID"]), Path(os.environ["RUNTIME_DIRECTORY"])
    except (KeyError, ValueError):
        print("error: this is for ExecReload= of blockalloc.service: systemctl reload blockalloc", file=sys.stderr)
        return 2
    try:
        successor = hand_over(master, directory, os.environ.get("NOTIFY_SOCKET", ""))
    except (HandoverFailed, OSError) as failure:  # OSError: the directory is full, or gone
        print(f"error: the service goes on as before: {failure}", file=sys.stderr)
        return 1
    print(f"process {successor} serves; process {master} finishes its calls and ends")
    return 0


if __name__ == "__main__":
    sys.exit(main())
