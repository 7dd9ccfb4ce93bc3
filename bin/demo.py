"""The demo: a class of next Monday gets its 20 machines by one call over XML-RPC, and has them ready at its start.

Run it as bin/demo.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

os.environ["DJANGO_SETTINGS_MODULE"] = "vclsite.settings"
os.environ["BLOCKALLOC_DEMO"] = "1"  # for the processes that are started here too
import django  # noqa: E402 - found by the line above, as the project's own modules are

django.setup()

from blockalloc.demo.people import PASSWORD  # noqa: E402 - models can be imported after setup() only
from blockalloc.demo.rows import FIRST_ID  # noqa: E402
from blockalloc.models import BlockTime  # noqa: E402
from blockalloc.reports.block_time import AllocationReport, allocation_report, as_text  # noqa: E402

MACHINES = 20
HEADERS = [("X-User", "vclsystem"), ("X-Pass", PASSWORD), ("X-APIVERSION", "2")]
START_SECONDS = 30


class DemoFailed(Exception):
    """The demo failed; the text says why."""


def main() -> int:
    """Prepare the site, make the call, show its result, play the morning of the class in fast motion."""
    # Stopped by `kill`, the demo must stop its server too: SystemExit runs the finally blocks.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    manage("migrate", "--verbosity", "0")
    manage("load_demo_site", "--if-needed")
    with tempfile.TemporaryFile("w+") as log:
        try:
            with running_server(log) as address:
                show_allocation(address)
        except (DemoFailed, OSError, xmlrpc.client.Error) as problem:
            log.seek(0)
            print(f"\nThe demo failed: {problem}\n\nThe server's log:\n{log.read()}", file=sys.stderr)
            return 1
    print(
        "\n--- The morning of the class in fast motion, on a copy of the site; a double of VCL's back end loads\n",
        flush=True,
    )
    manage("play_demo_morning")
    return 0


def manage(*arguments: str) -> None:
    """Run a management command; its own output says what is wrong when it fails."""
    if subprocess.run([sys.executable, ROOT / "manage.py", *arguments], check=False).returncode:
        sys.exit(1)


# --- The server -------------------------------------------------------------------------------
@contextmanager
def running_server(log: IO[str]) -> Iterator[str]:
    """Run the real server on a free port of the loopback interface; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    config = ROOT / "deploy" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "--config", str(config), "--bind", address]
    server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until_healthy(server, address)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(server: subprocess.Popen[bytes], address: str) -> None:
    """Return when the server answers its health check with 200."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise DemoFailed(f"the server ended by itself (exit status {server.returncode})")
        if is_healthy(address):
            return
        time.sleep(0.1)
    raise DemoFailed(f"the server was not healthy after {START_SECONDS} s")


def is_healthy(address: str) -> bool:
    """Whether the health check says that the server can work."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# --- The call ---------------------------------------------------------------------------------
def show_allocation(address: str) -> None:
    """Make the call and print it, its answer and its result."""
    block_time = BlockTime.objects.select_related("blockRequest__image", "blockRequest__group").get(pk=FIRST_ID)
    before = allocation_report(block_time.pk)
    print(f"\n--- The call, to http://{address}/xmlrpc/\n")
    print("\n".join(f"{name}: {value}" for name, value in HEADERS))
    print(spelled_out(parameters(block_time)))
    caller = xmlrpc.client.ServerProxy(f"http://{address}/xmlrpc/", headers=HEADERS)
    answer = caller.XMLRPCblockAllocation(*[value for _name, value, _meaning in parameters(block_time)])
    print(f"\n--- The answer\n\n{answer}\n\n{meaning(before, answer)}")
    print(f"\n--- What was done\n\n{as_text(allocation_report(block_time.pk))}")
    if answer != MACHINES:
        raise DemoFailed(f"the answer should have been {MACHINES}")
    print(next_steps(block_time))


def parameters(block_time: BlockTime) -> list[tuple[str, int, str]]:
    """Name, value and meaning of the seven parameters for this class."""
    request = block_time.blockRequest
    start, end = int(block_time.start.timestamp()), int(block_time.end.timestamp())
    return [
        ("imageid", request.image_id, str(request.image)),
        ("start", start, f"{block_time.start:%A %Y-%m-%d %H:%M}"),
        ("end", end, f"{block_time.end:%A %Y-%m-%d %H:%M}"),
        ("machinecount", MACHINES, ""),
        ("usergroupid", request.group_id or 0, str(request.group)),
        ("ignoreprivileges", 0, "only computers that members of the group may use"),
        ("blockTimeid", block_time.pk, request.name),
    ]


def spelled_out(given: list[tuple[str, int, str]]) -> str:
    """The call as one would write it, one parameter a line."""
    lines = [f"    {f'{value},':<12} # {name}{text and ': '}{text}" for name, value, text in given]
    return "\n".join(["XMLRPCblockAllocation(", *lines, ")"])


def meaning(before: AllocationReport, answer: int) -> str:
    """The answer in words."""
    if before.allocated >= MACHINES:
        return (
            f"The class had its {before.allocated} machines before the call (the demo was run earlier), so the answer\n"
            "is the same. A repeated call allocates nothing twice."
        )
    had = f" ({before.allocated} of them before the call)" if before.allocated else ""
    return f"The class has {answer} of the {MACHINES} machines that it wants{had}."


def next_steps(block_time: BlockTime) -> str:
    """What to try next, with commands that work as printed."""
    call = ", ".join(str(value) for _name, value, _meaning in parameters(block_time))
    next_day = block_time.start + timedelta(days=1)
    return f"""
--- What to try next

make serve
    runs the demo site, where computers load: http://127.0.0.1:8000/admin/ (user demo, password demo)

BLOCKALLOC_DEMO=1 .venv/bin/python manage.py allocate_block --dry-run \\
    --image "{block_time.blockRequest.image}" --group CS101 \\
    --start "{next_day:%Y-%m-%d} 09:00" --end "{next_day:%Y-%m-%d} 11:00" --machines 5
    plans a new class, while make serve runs (it keeps the management nodes alive);
    without --dry-run the class is made

.venv/bin/python -c '
from xmlrpc.client import ServerProxy
server = ServerProxy("http://127.0.0.1:8000/xmlrpc/", headers={json.dumps(HEADERS)})
print(server.XMLRPCblockAllocation({call}))'
    makes the call above again, while make serve runs"""


if __name__ == "__main__":
    sys.exit(main())
