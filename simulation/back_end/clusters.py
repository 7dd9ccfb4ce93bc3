"""The reservations of one request: each has a process, on its own node; the first one changes the request."""

from collections.abc import Generator

from simulation.back_end import states
from simulation.back_end.failures import reservation_failed
from simulation.back_end.processes import until
from simulation.back_end.rows import Task
from simulation.back_end.site import Site

_TO_BEGIN = 300  # seconds that the parts wait for one another
_TO_BE_READY = 3600  # seconds that the first waits for the others


def begin(site: Site, task: Task) -> Generator[int, None, bool]:
    """Bring the request to `pending` when all its parts have begun; whether the process is to continue."""
    if task.is_cluster:
        site.parts[task.id] = "begun"
        if not (yield from until(lambda: site.now, lambda: _all_have_begun(site, task), _TO_BEGIN, 5)):
            reservation_failed(site, task, states.AVAILABLE)
            return False
    if task.is_parent:
        return site.rows.change_request(task.request, states.PENDING, task.state)
    return True


def others_are_ready(site: Site, task: Task) -> Generator[int, None, bool]:
    """Wait, as the first part, until the others are loaded; whether they are."""
    site.parts[task.id] = "ready"
    if not (yield from until(lambda: site.now, lambda: _is_decided(site, task), _TO_BE_READY, 10)):
        reservation_failed(site, task)
        return False
    if site.rows.is_deleted(task.request):
        return True
    if any(site.parts.get(part) == "failed" for part in task.parts):
        yield from _fail_as_a_whole(site, task)
        return False
    return True


def _all_have_begun(site: Site, task: Task) -> bool:
    return all(part in site.parts for part in task.parts)


def _is_decided(site: Site, task: Task) -> bool:
    parts = [site.parts.get(part) for part in task.parts]
    return "failed" in parts or all(part == "ready" for part in parts) or site.rows.is_deleted(task.request)


def _fail_as_a_whole(site: Site, task: Task) -> Generator[int, None, None]:
    """One part has failed: the request fails, the computers of the others are available."""

    def others_have_ended() -> bool:
        return not any(site.processes.is_worked_on(part) for part in task.parts if part != task.id)

    yield from until(lambda: site.now, others_have_ended, _TO_BE_READY, 10)
    for computer in site.rows.computers_of(task.request):
        if site.rows.computer_state(computer) == states.RELOADING:
            site.rows.set_computer(computer, states.AVAILABLE)
    site.rows.set_computer(task.computer, states.AVAILABLE)
    site.rows.change_request(task.request, states.FAILED, task.state)
