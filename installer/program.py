"""Running a list of steps: each is named, planned, shown, done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from installer.actions import Action
from installer.errors import DONE, FAILED, INTERRUPTED, WAITING, Refused, StepFailed, Waiting
from installer.journal import Journal
from installer.machine import Machine

Plan = Callable[[Machine], Sequence[Action]]
Check = Callable[[Machine], Sequence[str]]


def nothing(_machine: Machine) -> Sequence[str]:
    """The check of a step that needs none."""
    return []


@dataclass(frozen=True)
class Step:
    """A part of a program.

    `plan` looks at the machine, changes nothing, and gives the actions that are still to be done; none when the step is
    done. `check` runs afterwards, each time but in a dry run; it changes nothing, returns lines for the operator, and
    raises StepFailed or Waiting. `looks` says in a dry run what it would look at. `advice` is for an operator whose
    step has failed.
    """

    title: str
    plan: Plan = lambda _machine: ()
    check: Check = nothing
    looks: str = ""
    advice: str = ""


def run(steps: Sequence[Step], machine: Machine, journal: Journal, *, dry_run: bool) -> int:
    """Run the steps in their order. Returns the exit status, and tells the operator how to go on."""
    again = journal.command
    changed = 0
    for number, step in enumerate(steps, 1):
        journal.say(f"[{number}/{len(steps)}] {step.title}")
        try:
            changed += _run(step, machine, journal, dry_run=dry_run)
        except (StepFailed, Refused, OSError) as error:
            journal.say(_failure(step, error, again))
            return FAILED
        except Waiting as wait:
            journal.say(f"\nwaiting: {wait}\nThen run this again, and it goes on here: {again}")
            return WAITING
        except KeyboardInterrupt:
            journal.say(f'\ninterrupted in step "{step.title}". What was done stays; this goes on: {again}')
            return INTERRUPTED
    journal.changes = changed
    return DONE


def _run(step: Step, machine: Machine, journal: Journal, *, dry_run: bool) -> int:
    actions = step.plan(machine)
    for action in actions:
        for line in action.lines(machine):
            journal.say(f"    {line}")
        if not dry_run:
            journal.begin()
            action.do(machine)
    if dry_run:
        if step.looks:
            journal.say(f"    check: {step.looks}")
        if not actions and not step.looks:
            journal.say("    nothing to do")
        return len(actions)
    for line in step.check(machine):
        journal.say(f"    {line}")
    if not actions and step.check is nothing:
        journal.say("    nothing to do")
    return len(actions)


def _failure(step: Step, error: Exception, again: str) -> str:
    advice = f"\n{step.advice}" if step.advice else ""
    return (
        f'\nerror in step "{step.title}":\n{error}{advice}\n'
        f"What was done before stays. When the cause is removed, this goes on: {again}"
    )


def say_to(stream: TextIO) -> Callable[[str], None]:
    """A function that prints lines at once, so that a log that is piped shows where it stands."""
    return lambda text: print(text, file=stream, flush=True)
