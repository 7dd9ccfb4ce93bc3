"""A user has left a computer: it is available as it is, or has to be reloaded."""

from simulation.back_end import states
from simulation.back_end.clusters import begin
from simulation.back_end.events import What
from simulation.back_end.processes import Steps
from simulation.back_end.rows import Task
from simulation.back_end.site import Site

_LEFT_ALONE = (states.MAINTENANCE, states.RELOADING)


def reclaim(site: Site, task: Task) -> Steps:
    """State `timeout` or `deleted`: complete the request, and prepare the computer for what comes next."""
    if not (yield from begin(site, task)):
        return
    becomes = states.COMPLETE
    if task.computer_state in _LEFT_ALONE:
        pass
    elif _is_clean(site, task):
        site.rows.set_computer(task.computer, states.AVAILABLE)
        site.note(What.COMPUTER_CLEAN, task)
    elif site.rows.computer_state(task.computer) == states.RELOAD:
        # There is such a request already: a second one is not inserted, and that is a failure.
        site.rows.set_computer(task.computer, states.FAILED)
        becomes = states.FAILED
    else:
        _reload(site, task)
    if task.is_parent:
        site.rows.change_request(task.request, becomes, task.state)


def _is_clean(site: Site, task: Task) -> bool:
    if task.last_state == states.NEW or task.computer_type == "lab":
        return True
    return (
        task.last_state == states.RESERVED
        and task.computer not in site.tainted
        and task.computer not in site.half_loaded
    )


def _reload(site: Site, task: Task) -> None:
    image, revision = site.rows.next_image(task.computer)
    site.rows.log_load(task, "loadimageblade", site.now)
    site.rows.set_computer(task.computer, states.RELOAD)
    request = site.rows.insert_reload(task, image, revision, site.now)
    site.note(What.RELOAD_INSERTED, task, request=request, state=states.RELOAD, image=image)
