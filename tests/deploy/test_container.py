"""The container image and the compose files in deploy/container/, as far as they can be tried without an engine."""

import ast
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from blockalloc.version import VERSION
from tests.support.servers.live_server import START_SECONDS, free_port
from tests.support.servers.own_process import ROOT, inherited, run_on_sqlite
from vclsite import settings_file

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

FOLDER = ROOT / "deploy" / "container"
CONTAINERFILE = (FOLDER / "Containerfile").read_text()
COMPOSE = {path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("compose*.yaml"))}
SERVICES = [(file, name) for file, content in COMPOSE.items() for name in content["services"]]
OURS = [(file, name) for file, name in SERVICES if name != "database"]


def copied() -> dict[str, str]:
    """What of the checkout is copied into the image, and where to."""
    pairs: dict[str, str] = {}
    for line in re.findall(r"^COPY ((?!--from).*)$", CONTAINERFILE, re.MULTILINE):
        *sources, place = line.split()
        pairs |= dict.fromkeys(sources, place)
    return pairs


def tracked(*paths: str) -> list[str]:
    """The files of the last commit, and what was added since, below the paths."""
    done = subprocess.run(["git", "ls-files", "--", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_is_copied_is_there_and_is_let_into_the_build() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    for source in copied():
        assert tracked(source), source
    assert let_in == {source.rstrip("/") for source in copied()}


def test_the_image_has_the_number_of_the_version() -> None:
    images = {COMPOSE[file]["services"][name]["image"] for file, name in OURS}
    assert images == {f"blockalloc:{VERSION}"}
    assert f"ARG VERSION={VERSION}\n" in CONTAINERFILE
    assert f"-t blockalloc:{VERSION} " in (FOLDER / "README.md").read_text()


# --- What is copied is enough ---------------------------------------------------------------------
class Image:
    """The application's folder of the image, and the demo site with a database outside of it."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder, self.port = folder, free_port()
        for source, place in copied().items():
            for file in tracked(source) if not place.startswith("/") else []:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / file, folder / file)
        self.variables = inherited() | {
            "BLOCKALLOC_DEMO": "1",
            "BLOCKALLOC_DEMO_DATABASE_URL": f"sqlite:///{database}",
            "VCL_ALLOW_PLAIN_HTTP": "1",
            "GUNICORN_BIND": f"0.0.0.0:{self.port}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        self.variables.pop("PYTHONPATH", None)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the folder."""
        return subprocess.Popen(
            command, cwd=self.folder, env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *command: str) -> str:
        """Run a command in the folder; what it printed. It has to succeed."""
        process = self.start(*command)
        output = process.communicate(timeout=120)[0]
        assert process.returncode == 0, output
        return output

    def files(self) -> set[str]:
        """All files of the folder."""
        return {str(path) for path in self.folder.rglob("*")}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """It, with the demo site loaded by the command of the compose file. The folder stays as it is."""
    made = Image(tmp_path_factory.mktemp("image"), tmp_path_factory.mktemp("database") / "demo.sqlite3")
    before = made.files()
    assert "The demo site is loaded." in made.run(*COMPOSE["compose.yaml"]["services"]["migrate"]["command"])
    yield made
    assert made.files() == before  # the file system is read-only


def healthy(image: Image, check: list[str]) -> tuple[bool, str]:
    """What the health check says, by its exit status and its output."""
    asked = image.start(*check)
    said = asked.communicate(timeout=20)[0]
    return asked.returncode == 0, said


def test_the_services_run_with_what_is_copied(image: Image) -> None:
    """Each works until it is stopped; what could not be imported would have ended it."""
    # In exec form, which is a list; the health check's comes first.
    check, web = map(json.loads, re.findall(r"^ *CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE))
    names = ("keep-ready", "notify", "forecast", "back-end")
    beside = [COMPOSE["compose.yaml"]["services"][name]["command"] for name in names]
    processes = [image.start(*command) for command in (web, *beside)]
    try:
        deadline = time.monotonic() + START_SECONDS
        while (answer := healthy(image, check)) != (True, "200 ok\n"):
            assert time.monotonic() < deadline, answer
        done = image.run("python", "manage.py", "allocate_block", "--block-time", "101")
        assert "The class has 20 of 20 machines now." in done
        assert [process.poll() for process in processes] == [None] * len(processes)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)  # to process 1 of the container: gunicorn itself
        outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), outputs
    assert "Traceback" not in "".join(outputs)
    well, why = healthy(image, check)
    assert not well
    assert "refused" in why


def test_no_package_of_ours_that_is_imported_is_left_out() -> None:
    """Also by what runs seldom."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    imported = set()
    for file in tracked(*(source for source in copied() if source.endswith("/"))):
        if file.endswith(".py"):
            for node in ast.walk(ast.parse((ROOT / file).read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                imported |= {name.partition(".")[0] for name in names}
    assert {"blockalloc", "scheduling", "simulation"} <= packages & imported
    assert packages & imported <= {source.rstrip("/") for source in copied()}


# --- Compose files --------------------------------------------------------------------------------
def commands(service: Mapping[str, Any]) -> list[list[str]]:
    """The commands of manage.py in a service's command, each with its arguments."""
    words = [*service.get("entrypoint", []), *service.get("command", [])]
    text = words[-1] if words[:1] == ["sh"] else shlex.join(words)
    return [shlex.split(each) for each in re.findall(r"python manage\.py ([^;]+)", text)]


@pytest.mark.parametrize(("file", "name"), OURS)
def test_commands_are_those_that_there_are(file: str, name: str) -> None:
    service = COMPOSE[file]["services"][name]
    assert bool(commands(service)) == (name != "web")  # that one runs the image's own command
    for command, *arguments in commands(service):
        command_class = get_commands()[command]
        parser = load_command_class(str(command_class), command).create_parser("manage.py", command)
        parser.parse_args(arguments)  # ends the test when they are others


def test_variables_are_settings() -> None:
    told = json.loads(run_on_sqlite("manage.py", "check_settings", "--json").stdout)
    known = {setting["name"] for setting in told["settings"]} | settings_file.ENVIRONMENT_ONLY
    for file, name in OURS:
        assert COMPOSE[file]["services"][name]["environment"].keys() <= known, (file, name)


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_no_service_can_do_more_than_it_needs(file: str, name: str) -> None:
    service = COMPOSE[file]["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert "privileged" not in service
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:")
    if name == "database":
        assert service["user"] == "mysql"
    else:
        assert "user" not in service  # the image's own, which is not root
        assert re.findall(r"^USER (.*)$", CONTAINERFILE, re.MULTILINE) == ["10001:10001"]


def test_secrets_are_made_and_not_written_in_the_files(tmp_path: Path) -> None:
    script = shutil.copy(FOLDER / "new-secrets", tmp_path)
    subprocess.run([script], check=True, capture_output=True)
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    secrets = dict(line.split("=") for line in made.read_text().splitlines())
    assert len(set(secrets.values())) == len(secrets)
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in secrets.values())
    subprocess.run([script], check=True, capture_output=True)
    assert dict(line.split("=") for line in made.read_text().splitlines()) == secrets  # it is the database's by now
    text = (FOLDER / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(secrets)
    for _file, name in OURS:
        for variable, value in COMPOSE["compose.yaml"]["services"].get(name, {}).get("environment", {}).items():
            if re.search("SECRET|PASSWORD|URL", variable):
                assert "${" in value
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/container/.env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
