"""systemd's units: put in place, enabled, started; restarted when they run something else than they should."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from installer.actions import Action, Remove, Run, Write
from installer.errors import StepFailed
from installer.machine import Machine
from installer.program import Step
from installer.release import Release

_SETTLED = 5.0  # seconds
# A socket cannot be started under a service that listens by itself, and a timer starts a service.
_ORDER = {".socket": 0, ".service": 1, ".timer": 2}
_LOG = "journalctl -u 'blockalloc*' has what the service says."


def units_of(release: Release) -> Sequence[Path]:
    """The files of a release's units, in the order in which they are started."""
    found = [path for path in (release.folder / "deploy" / "systemd").glob("blockalloc*.*") if path.suffix in _ORDER]
    return sorted(found, key=lambda path: (_ORDER[path.suffix], path.name))


def is_started(path: Path) -> bool:
    """Whether a unit is enabled and started by itself; others are started by their timers."""
    return "\n[Install]\n" in path.read_text(encoding="utf-8")


def _long_running(release: Release) -> Sequence[str]:
    """The names of a release's services that run all the time."""
    return [path.name for path in units_of(release) if path.suffix == ".service" and is_started(path)]


def files(source: Release) -> Step:
    """The unit files of a release: installed, or, in a dry run, still to be. Those of other releases alone go."""

    def plan(machine: Machine) -> Sequence[Action]:
        actions: list[Action] = list(_without_those_of_others(machine, source))
        changed = []
        for unit in units_of(source):
            text = unit.read_text(encoding="utf-8")
            if machine.read(machine.layout.units / unit.name) != text:
                changed.append(unit.name)
                actions.append(Write(machine.layout.units / unit.name, text))
        if changed:
            actions.append(Run(["systemctl", "daemon-reload"]))
            actions += _stop_what_changed(machine, changed)
        names = [unit.name for unit in units_of(source) if is_started(unit)]
        if not all(_is(machine, "enabled", name) for name in names):
            actions.append(Run(["systemctl", "enable", *names]))
        return actions

    return Step("systemd's units", plan, advice=_LOG)


def _without_those_of_others(machine: Machine, source: Release) -> Sequence[Action]:
    """Units that only other releases on this machine have: this one has no program for them."""
    folders = [path for path in machine.layout.releases.glob("[!.]*") if path.is_dir()]
    known = {unit.name for folder in folders for unit in units_of(Release(folder))}
    foreign = sorted(known - {unit.name for unit in units_of(source)})
    found = [path for name in foreign if (path := machine.layout.units / name).is_file() and not path.is_symlink()]
    if not found:
        return []
    stop = Run(["systemctl", "disable", "--now", *(path.name for path in found)])
    return [stop, *map(Remove, found), Run(["systemctl", "daemon-reload"])]


def _stop_what_changed(machine: Machine, changed: Sequence[str]) -> Sequence[Action]:
    """What a restart cannot do by itself.

    A service of 0.1 holds the port that the socket needs; a socket whose file changed has to be let go first.
    """
    if "blockalloc.socket" not in changed or not _is(machine, "active", "blockalloc.service"):
        return []
    stop = [Run(["systemctl", "stop", "blockalloc.service"])]
    if _is(machine, "active", "blockalloc.socket"):
        stop.append(Run(["systemctl", "stop", "blockalloc.socket"]))
    return stop


def running(target: Release, source: Release) -> Step:
    """Everything runs, and from this release, with the settings and the units as they are now."""

    def plan(machine: Machine) -> Sequence[Action]:
        actions: list[Action] = []
        for unit in units_of(source):
            if not is_started(unit):
                continue
            if not _is(machine, "active", unit.name):
                actions.append(Run(["systemctl", "start", unit.name]))
            elif unit.name in _long_running(source) and _is_stale(machine, unit.name, target):
                actions.append(Run(["systemctl", _how(machine, unit), unit.name]))
            elif unit.suffix == ".timer" and _needs_new_file(machine, unit.name):
                actions.append(Run(["systemctl", "restart", unit.name]))
        return actions

    def check(machine: Machine) -> Sequence[str]:
        return _all_run(machine, source)

    return Step("The service runs", plan, check, "all units are active", _LOG)


def _all_run(machine: Machine, release: Release) -> Sequence[str]:
    """Raises StepFailed unless every unit that is started is active, and stays so."""
    long_running = _long_running(release)
    processes = [_property(machine, name, "MainPID") for name in long_running]
    if any(_is_young(machine, process) for process in processes):
        machine.pause(_SETTLED)  # one that ends at once is started again and again, and is active in between
    names = [unit.name for unit in units_of(release) if is_started(unit)]
    idle = [name for name in names if not _is(machine, "active", name)]
    idle += [
        name
        for name, process in zip(long_running, processes, strict=True)
        if _property(machine, name, "MainPID") != process and name not in idle
    ]
    if idle:
        said = machine.run(["journalctl", "-q", "-n", "15", "--no-pager", "-o", "cat", "-u", idle[0]]).output.strip()
        raise StepFailed(f"not running: {', '.join(idle)}. The last lines of the log of {idle[0]}:\n{said}")
    return [f"running: {', '.join(names)}"]


def _is_young(machine: Machine, process: str) -> bool:
    """Whether a process has just begun."""
    try:
        return machine.layout.at(f"/proc/{process}").stat().st_mtime > time.time() - _SETTLED
    except OSError:
        return True


def _is(machine: Machine, what: str, unit: str) -> bool:
    return machine.succeeds(["systemctl", f"is-{what}", "-q", unit])


def _property(machine: Machine, unit: str, name: str) -> str:
    return machine.run(["systemctl", "show", "-p", name, "--value", unit]).output.strip()


def _needs_new_file(machine: Machine, unit: str) -> bool:
    """Whether the unit was started before its file was written: systemd notes no such thing, but both times."""
    try:
        written = (machine.layout.units / unit).stat().st_mtime
    except FileNotFoundError:
        return False
    started = _property(machine, unit, "ActiveEnterTimestampMonotonic")
    uptime = float((machine.read(machine.layout.at("/proc/uptime")) or "0").split()[0])
    return started.isdigit() and written > time.time() - uptime + int(started) / 1e6


def _how(machine: Machine, unit: Path) -> str:
    """A reload is without a gap, but the unit file counts only from a restart on."""
    can_reload = "\nExecReload=" in unit.read_text(encoding="utf-8") and not _needs_new_file(machine, unit.name)
    return "reload" if can_reload else "restart"


def _is_stale(machine: Machine, unit: str, target: Release) -> bool:
    """Whether the process began in another release, or before the settings were written."""
    pid = _property(machine, unit, "MainPID")
    process = machine.layout.at(f"/proc/{pid}")
    try:
        folder = str((process / "cwd").readlink())
        began = process.stat().st_mtime
        settings = machine.layout.settings.stat().st_mtime
    except OSError:
        return True
    return folder != os.path.realpath(target.folder) or settings > began or _needs_new_file(machine, unit)
