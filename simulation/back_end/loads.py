"""The load of an image on one computer: whether it is needed, the queue, and the load itself."""

from collections.abc import Callable, Generator

from simulation.back_end import states
from simulation.back_end.conditions import Result
from simulation.back_end.events import What
from simulation.back_end.processes import until
from simulation.back_end.rows import Task
from simulation.back_end.site import Site

STATUS_SECONDS = 5  # to find out what is on a computer
LONGEST_WAIT = 1800  # for a turn of xCAT, or for another VM's copy on VMware


def provide(site: Site, task: Task, revision: int) -> Generator[int, None, Result]:
    """Load the revision on the computer, unless it is loaded already."""
    site.rows.log_load(task, "statuscheck", site.now)
    forced = site.rows.computer_state(task.computer) == states.RELOAD
    yield STATUS_SECONDS
    if not forced and _is_ready(site, task, revision):
        site.note(What.NOTHING_TO_LOAD, task)
    else:
        result = yield from _load(site, task)
        if result is not Result.LOADED:
            site.note(What.LOAD_FAILED, task, detail=result.value)
            return result
        site.half_loaded.discard(task.computer)
        site.tainted.discard(task.computer)
    site.rows.set_loaded(task.computer, task.image, revision)
    return Result.LOADED


def _is_ready(site: Site, task: Task, revision: int) -> bool:
    """The result of `node_status`: the right image, answering, untainted, its post-load done."""
    if task.computer in site.half_loaded or task.computer in site.tainted:
        return False
    return site.rows.loaded(task.computer) == (task.image, revision)


def _load(site: Site, task: Task) -> Generator[int, None, Result]:
    site.rows.log_load(task, "loadimageblade", site.now)
    site.rows.set_computer(task.computer, states.RELOADING)
    site.note(What.LOAD_BEGAN, task)
    for step in ("info", "doesimageexists"):
        site.rows.log_load(task, step, site.now)
    result = site.conditions.result(task.computer, task.image, site.chance)
    if result is Result.NOT_FETCHED:
        return result
    if task.provisioning.startswith("xcat"):
        done = yield from _install_by_xcat(site, task)
    elif task.vm_host:
        done = yield from _install_vm(site, task)
    else:
        done = yield from _install(site, task, _seconds(site, task))
    if not done:
        result = Result.FAILED
    site.rows.log_load(task, "loadimagecomplete" if result is Result.LOADED else "loadimagefailed", site.now)
    if result is Result.LOADED:
        site.note(What.LOAD_ENDED, task)
    return result


def _seconds(site: Site, task: Task) -> int:
    return site.conditions.load_seconds(task.computer, task.image, site.chance)


def _install(site: Site, task: Task, seconds: int, step: str = "startload") -> Generator[int, None, bool]:
    site.half_loaded.add(task.computer)
    site.rows.log_load(task, step, site.now)
    yield seconds
    return True


def _install_by_xcat(site: Site, task: Task) -> Generator[int, None, bool]:
    """xCAT loads only so many computers of a node at once; the others look every second for a turn."""
    limit = site.rows.load_limit(task.node)
    for step in ("startload", "editnodetype"):  # before they look for a turn
        site.rows.log_load(task, step, site.now)

    def has_a_turn() -> bool:
        return sum(node == task.node for node in site.installing.values()) < limit

    if not (yield from _turn(site, task, has_a_turn, LONGEST_WAIT, 1)):
        return False
    site.installing[task.id] = task.node
    try:
        return (yield from _install(site, task, _seconds(site, task), "xcatstage5"))
    finally:
        del site.installing[task.id]


def _turn(site: Site, task: Task, has_a_turn: Callable[[], bool], limit: int, pause: int) -> Generator[int, None, bool]:
    """Wait for the turn of a load, with a look every `pause` seconds for `limit` seconds; whether it came."""
    begun = site.now
    came = yield from until(lambda: site.now, has_a_turn, limit, pause)
    if not came:
        site.note(What.NO_TURN, task, detail=str(site.now - begun))
    elif site.now > begun:
        site.note(What.TURN_CAME, task, detail=str(site.now - begun))
    return came


def _install_vm(site: Site, task: Task) -> Generator[int, None, bool]:
    """Loads of one image on one VM host wait for one another while the image is copied."""
    place = (task.vm_host, task.image)
    # Libvirt waits as long as it takes.
    limit = LONGEST_WAIT if task.provisioning == "vmware" else 10**9
    if not (yield from _turn(site, task, lambda: place not in site.copying, limit, 5)):
        return False
    seconds = _seconds(site, task)
    copy = min(seconds, site.conditions.copy_seconds(task.vm_host, task.image, site.chance))
    site.copying[place] = task.id
    try:
        yield from _install(site, task, copy)
    finally:
        del site.copying[place]
    yield seconds - copy
    return True
