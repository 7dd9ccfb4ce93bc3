"""`systemctl reload` without systemd: the real gunicorn, one handing over to another (vclsite/handover.py)."""

import http.client
import os
import re
import threading
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rpc_calls import SIGNED_IN, document
from tests.support.servers.front_end_server import FrontEndServer, Received, until, well_behaved
from tests.support.servers.own_process import run
from tests.support.servers.supervisor import Supervisor

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings file."""
    file = tmp_path / "blockalloc.env"
    file.write_text(
        "DJANGO_ALLOWED_HOSTS=127.0.0.1\nWEB_CONCURRENCY=1\nVCL_ALLOW_PLAIN_HTTP=1\nVCL_ALLOW_UNSAFE_SETTINGS=1\n"
    )
    return file


@pytest.fixture
def service(tmp_path: Path, settings: Path) -> Iterator[Supervisor]:
    """The service; its database is empty."""
    database = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    with Supervisor(tmp_path, database, {"BLOCKALLOC_ENV": str(settings)}) as supervisor:
        yield supervisor


def health(service: Supervisor, host: str = "127.0.0.1") -> int:
    """The status of the health check under this host's name."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("GET", "/healthz", headers={"Host": host})
    status = connection.getresponse().status
    connection.close()
    return status


def test_new_settings_count_after_a_reload_and_systemd_knows_the_new_process(
    service: Supervisor, settings: Path
) -> None:
    service.start()
    first, descriptors = service.main, []
    for number, host in enumerate(["one.example.edu", "two.example.edu"], 1):  # the successor has successors
        assert health(service, host) == 400
        settings.write_text(settings.read_text().replace("HOSTS=", f"HOSTS={host},"))
        done = service.reload()
        assert (done.returncode, done.stderr) == (0, "")
        found = re.fullmatch(r"process (\d+) serves; process (\d+) finishes its calls and ends\n", done.stdout)
        assert found
        until(lambda successor=int(found[1]): service.main == successor)  # type: ignore[misc]
        assert health(service, host) == 200
        assert number == 1 or int(found[2]) != first
        descriptors.append(len([*Path(f"/proc/{service.main}/fd").iterdir()]))
    assert descriptors[0] == descriptors[1]
    until(lambda: not service.is_alive(first))


def test_settings_that_can_not_be_used_change_nothing(service: Supervisor, settings: Path) -> None:
    service.start()
    first, before = service.main, settings.read_text()
    settings.write_text(f"{before}VCL_SPARES=many\n")
    done = service.reload()
    assert done.returncode == 1
    assert done.stderr.startswith("error: the service goes on as before: the new process ended")
    assert "VCL_SPARES='many': use off or auto" in service.log.read_text()
    assert (service.main, health(service)) == (first, 200)
    settings.write_text(before)
    assert service.reload().returncode == 0
    assert health(service) == 200


def test_an_application_that_can_not_be_loaded_changes_nothing(service: Supervisor, tmp_path: Path) -> None:
    """It is a worker that finds out, when the new first process has already begun."""
    service.environment["PYTHONPATH"] = str(tmp_path)
    service.start()
    first = service.main
    (tmp_path / "whitenoise.py").write_text("raise RuntimeError('no such luck')\n")
    done = service.reload()
    assert (done.returncode, "the new process ended" in done.stderr) == (1, True)
    assert "RuntimeError: no such luck" in service.log.read_text()
    assert (service.main, health(service)) == (first, 200)


def test_a_call_on_the_way_is_finished_by_the_old_process(service: Supervisor, settings: Path) -> None:
    """Meanwhile the new one serves. A passed-on call may take minutes: here VCL's front end answers when it is told."""
    may_answer = threading.Event()

    def when_told(server: FrontEndServer, call: Received) -> bytes:
        assert may_answer.wait(60)
        return well_behaved(server, call)

    with FrontEndServer(when_told) as front_end:
        settings.write_text(f"{settings.read_text()}VCL_FRONT_END_URL={front_end.url}\n")
        assert run("manage.py", "migrate", "--verbosity=0", **service.settings).returncode == 0  # for lock-outs
        service.start()
        first = service.main
        answers: list[object] = []

        def call() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
            connection.request("POST", "/xmlrpc/", document("XMLRPCautoCapture", 1), SIGNED_IN)
            answers.extend(xmlrpc.client.loads(connection.getresponse().read())[0])

        caller = threading.Thread(target=call)
        caller.start()
        until(lambda: front_end.at_work == 1)
        assert service.reload().returncode == 0
        assert (health(service), answers, service.is_alive(first)) == (200, [], True)
        may_answer.set()
        caller.join()
        assert answers == [{"status": "success", "method": "XMLRPCautoCapture", "user": "vclsystem"}]
        until(lambda: not service.is_alive(first))


# A worker right after its fork, told to end before the fork, and after it.
_FORKED = """
import os, queue, runpy, signal, sys, types
post_fork = runpy.run_path("deploy/gunicorn.conf.py")["post_fork"]
server = types.SimpleNamespace(SIG_QUEUE=queue.SimpleQueue())
worker = types.SimpleNamespace(alive=True)
signal.signal(signal.SIGTERM, lambda number, frame: server.SIG_QUEUE.put(number))  # as gunicorn's first process does
if "before" in sys.argv:
    os.kill(os.getpid(), signal.SIGTERM)
post_fork(server, worker)
if "after" in sys.argv:
    os.kill(os.getpid(), signal.SIGTERM)
print(worker.alive)
"""


@pytest.mark.parametrize(("told", "alive"), [("before", "False"), ("after", "False"), ("never", "True")])
def test_a_worker_that_has_hardly_begun_ends_when_it_is_told(told: str, alive: str) -> None:
    """With the handler that it inherits it would take calls until it is killed, with calls on the way."""
    done = run("-c", _FORKED, told, BLOCKALLOC_DEMO="1")
    assert (done.stdout.strip(), done.stderr) == (alive, "")


# A worker that has loaded the application, and was not the first one of its gunicorn.
_LATER = """
import runpy, sys, types
sys.modules["blockalloc.web.start_up"] = types.SimpleNamespace(read_metrics_in_background=lambda: None)
runpy.run_path("deploy/gunicorn.conf.py")["post_worker_init"](types.SimpleNamespace(age=3))
"""


def test_a_later_worker_is_heard_if_the_first_one_has_died(tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    assert run("-c", _LATER, BLOCKALLOC_DEMO="1", RUNTIME_DIRECTORY=str(tmp_path)).stderr == ""
    assert serving.read_text() == f"{os.getpid()}\n"
    serving.write_text("1\n")
    assert run("-c", _LATER, BLOCKALLOC_DEMO="1", RUNTIME_DIRECTORY=str(tmp_path)).stderr == ""
    assert serving.read_text() == "1\n"


def test_only_systemd_runs_it() -> None:
    done = run("-m", "vclsite.handover")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: this is for ExecReload= of blockalloc.service: systemctl reload blockalloc\n"


def test_without_its_directory_nothing_is_replaced(tmp_path: Path) -> None:
    """Nor where it is full. The process of this test stands for the one that serves: it is sent nothing."""
    done = run("-m", "vclsite.handover", MAINPID=str(os.getpid()), RUNTIME_DIRECTORY=str(tmp_path / "gone"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the service goes on as before: [Errno 2] No such file or directory")
