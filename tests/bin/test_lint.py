"""`make lint` and the hooks before each commit run the same commands."""

import re
import shlex

import pytest
import yaml

from vclsite.settings import BASE_DIR

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def recipe(target: str) -> list[list[str]]:
    """The commands of a target of the Makefile, but for the one that sets up what they need."""
    makefile = (BASE_DIR / "Makefile").read_text()
    (python,) = re.findall(r"^PYTHON := (.*)$", makefile, re.MULTILINE)
    (lines,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    commands = [shlex.split(line.replace("$(PYTHON)", python)) for line in lines.splitlines()]
    return [command for command in commands if command[0] != "bin/setup"]


def test_the_hooks_run_what_make_lint_runs() -> None:
    (repository,) = yaml.safe_load((BASE_DIR / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"  # no versions but those of requirements-dev.txt
    assert [shlex.split(hook["entry"]) for hook in repository["hooks"]] == recipe("lint")
    for hook in repository["hooks"]:
        # On the whole checkout, as make does: an error may be in a file that the commit does not touch.
        assert (hook["language"], hook["always_run"], hook["pass_filenames"]) == ("system", True, False)


def test_the_four_checks_are_among_them() -> None:
    commands = [" ".join(command) for command in recipe("lint")]
    for check in ("ruff check", "ruff format --check", "mypy", "makemigrations --check --dry-run"):
        assert any(command.endswith(check) for command in commands), check
