"""The settings as the release sees them, and its tables."""

import json
from collections.abc import Sequence

from installer import manage
from installer.actions import Action, Run
from installer.errors import StepFailed
from installer.machine import Machine, shown_command
from installer.program import Step
from installer.release import Release

_NOT_MIGRATED = "migrations are not applied"
_SETTINGS = (
    "Correct the settings in /etc/blockalloc/blockalloc.env (docs/settings.md). An option that differs from "
    "that file is refused: leave it out."
)
_LAST_LINES = 12


def settings_before(target: Release) -> Step:
    """What is wrong with the settings is found before the tables are made."""

    def check(machine: Machine) -> Sequence[str]:
        return _check(machine, target, allowed=_NOT_MIGRATED)

    looks = shown_command(manage.as_service(target, "check_settings", "--json"))
    return Step("Settings, as the service's user reads them", check=check, looks=looks, advice=_SETTINGS)


def settings_after(target: Release) -> Step:
    """All settings, and whether the tables are there."""

    def check(machine: Machine) -> Sequence[str]:
        return _check(machine, target) or ["everything is in order"]

    looks = shown_command(manage.as_service(target, "check_settings", "--json"))
    return Step("Settings and tables", check=check, looks=looks, advice=_SETTINGS)


def _check(machine: Machine, target: Release, allowed: str = "\0") -> Sequence[str]:
    done = machine.run(manage.as_service(target, "check_settings", "--json"))
    try:
        problems = json.loads(done.output)["problems"]
    except (ValueError, KeyError, TypeError):
        raise StepFailed(f"check_settings ended with status {done.status}:\n{done.text.strip()}") from None
    problems = [problem for problem in problems if not problem["text"].startswith(allowed)]
    lines = [f"{problem['severity']}: {problem['text']}" for problem in problems]
    if any(problem["severity"] == "error" for problem in problems):
        raise StepFailed("\n".join(lines))
    return lines


def migrate(target: Release) -> Step:
    """The service's own tables. It runs while the release before serves: that one works on the new tables too."""

    def plan(machine: Machine) -> Sequence[Action]:
        env = manage.with_migration_account(machine)
        looks = manage.as_root(target, "migrate", "--check")
        if (
            target.python.exists()
            and machine.layout.migration_settings.exists()
            and machine.run(looks, env=env).status == 0
        ):
            return []
        return [Run(manage.as_root(target, "migrate", "--no-input"), env)]

    return Step(
        "The service's tables in VCL's database; VCL's own are checked, and left as they are",
        plan,
        advice="VCL's tables are as they were. Statements that were done already are not done again.",
    )


def check_vcl(target: Release) -> Step:
    """What is wrong in VCL's database, if anything, is for the operator to know, and no reason to stop."""
    command = manage.as_service(target, "check_vcl")

    def check(machine: Machine) -> Sequence[str]:
        done = machine.run(command)
        if done.status > 1:
            raise StepFailed(f"{shown_command(command)}\nended with status {done.status}:\n{done.text.strip()}")
        lines = done.output.strip().splitlines()
        if len(lines) > _LAST_LINES:
            lines = [*lines[:_LAST_LINES], f"… and {len(lines) - _LAST_LINES} lines more: blockalloc check_vcl"]
        return lines

    return Step("VCL's database: what is wrong in it, if anything", check=check, looks=shown_command(command))
