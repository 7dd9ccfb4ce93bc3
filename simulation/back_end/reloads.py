"""The process of a request in state `reload` or `new`: is the computer free, which revision is loaded, what is next."""

from simulation.back_end import states
from simulation.back_end.clusters import begin, others_are_ready
from simulation.back_end.competitors import computer_is_free
from simulation.back_end.conditions import Result
from simulation.back_end.events import What
from simulation.back_end.failures import reservation_failed
from simulation.back_end.loads import provide
from simulation.back_end.processes import Steps
from simulation.back_end.rows import Task
from simulation.back_end.site import Site


def prepare(site: Site, task: Task) -> Steps:
    """Provide the computer of a reservation with its image."""
    if not (yield from begin(site, task)):
        return
    revision = _revision(site, task)
    if not (yield from computer_is_free(site, task, revision)):
        _not_free(site, task)
        return
    result = yield from provide(site, task, revision)
    if result is not Result.LOADED:
        _not_loaded(site, task, result)
        return
    if task.is_cluster:
        site.parts[task.id] = "ready"
        if task.is_parent and not (yield from others_are_ready(site, task)):
            return
    if site.rows.is_deleted(task.request):
        site.rows.set_computer(task.computer, states.AVAILABLE)
    else:
        _provided(site, task)


def _revision(site: Site, task: Task) -> int:
    """The revision to load: for a reload of a computer in any block, the present production revision."""
    if task.state == states.RELOAD and site.rows.block_times_of(task.computer):
        return site.rows.production(task.image) or task.revision
    return task.revision


def _not_free(site: Site, task: Task) -> None:
    if task.state == states.RELOAD:
        # In a cluster too: one busy computer completes the request of all.
        site.rows.change_request(task.request, states.COMPLETE, task.state)
        site.note(What.RELOAD_DROPPED, task)
    elif task.preload_only:
        _try_again_at_start(site, task)
    else:
        reservation_failed(site, task)


def _not_loaded(site: Site, task: Task, result: Result) -> None:
    if result is Result.NOT_FETCHED:
        reservation_failed(site, task, states.AVAILABLE)
    elif task.preload_only:
        _try_again_at_start(site, task)
    else:
        reservation_failed(site, task)


def _try_again_at_start(site: Site, task: Task) -> None:
    """Restore both states after a preload that failed."""
    site.parts[task.id] = "failed"
    if task.is_parent:
        site.rows.set_preload(task.request)
        site.rows.change_request(task.request, task.state, task.state)
        site.rows.set_computer(task.computer, task.computer_state)


def _provided(site: Site, task: Task) -> None:
    if task.state == states.RELOAD:
        site.rows.set_computer(task.computer, states.AVAILABLE)
        if task.is_parent:
            site.rows.change_request(task.request, states.COMPLETE, task.state)
    elif task.preload_only:
        site.rows.set_computer(task.computer, task.computer_state)
        if task.is_parent:
            site.rows.set_preload(task.request)
            site.rows.change_request(task.request, states.NEW, task.state)
    elif task.is_parent:
        site.rows.change_request(task.request, states.RESERVED, task.state)
    site.rows.log_load(task, "nodeready", site.now)
