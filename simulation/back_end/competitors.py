"""Is the computer free to be loaded? What the back end does about other requests on it.

Blocks are no competitors: `blockComputers` is not read.
"""

from collections.abc import Generator

from simulation.back_end import states
from simulation.back_end.events import What
from simulation.back_end.processes import until
from simulation.back_end.rows import Competitor, Task
from simulation.back_end.site import Site

LOOKS = 24
_PAUSE = 5  # seconds before each look but the first two
_AFTER_KILL, _AFTER_COMPLETING = 2, 5  # seconds

_NOT_TO_BE_LOADED = (states.MAINTENANCE, states.DELETED, states.VMHOSTINUSE)
_CAPTURES = {states.IMAGE, states.CHECKPOINT}
_GIVES_WAY = (states.TIMEOUT, states.DELETED, states.RELOAD)

# The result of a look: True: the computer is free; False: it will not be; None: look again.
_Verdict = bool | None


def computer_is_free(site: Site, task: Task, revision: int) -> Generator[int, None, bool]:
    """Look until the computer is free for a load of `revision`, for about 110 s; whether it is."""
    for look in range(LOOKS):
        if look >= 2:
            yield _PAUSE
        if site.rows.computer_state(task.computer) in _NOT_TO_BE_LOADED:
            return False
        verdict = yield from _look(site, task, revision)
        if verdict is not None:
            return verdict
    return False


def _look(site: Site, task: Task, revision: int) -> Generator[int, None, _Verdict]:
    for other in site.rows.competitors(task.computer, task.request):
        if _CAPTURES & {other.state, other.last_state}:
            return None
        if other.state == states.MAINTENANCE:
            return False
        if other.state in (states.COMPLETE, states.FAILED) or other.start > site.now:
            continue
        if _loads_the_same(other, revision) and (yield from _wait_for(site, task, other)):
            return None
        if _has_to_give_way(other, site.now):
            return (yield from _end(site, task, other))
        return None
    return True


def _loads_the_same(other: Competitor, revision: int) -> bool:
    reload = other.state in (states.PENDING, states.RELOAD) and other.last_state == states.RELOAD
    return reload and other.revision == revision


def _has_to_give_way(other: Competitor, now: int) -> bool:
    return (
        other.end <= now
        or other.state in _GIVES_WAY
        or (other.state == states.PENDING and other.last_state in _GIVES_WAY)
    )


def _wait_for(site: Site, task: Task, other: Competitor) -> Generator[int, None, bool]:
    """Wait until no process of this node works on the other reload any more; whether it ended in time."""
    reload_minutes = site.rows.reload_minutes(task.image)
    limit = 60 * (5 if reload_minutes < 10 else reload_minutes)
    processes = site.processes
    idle = yield from until(lambda: site.now, lambda: not processes.working_on(other.id, task.node), limit, 10)
    if idle and site.rows.states(other.request) == (states.PENDING, states.RELOAD):
        # Nobody here works on it: as far as this node can see, its process has died.
        _complete(site, task, other, states.RELOAD)
    return idle


def _end(site: Site, task: Task, other: Competitor) -> Generator[int, None, _Verdict]:
    """End a competitor: complete its request, and kill its process on this node."""
    _complete(site, task, other, other.last_state if other.state == states.PENDING else other.state)
    if site.processes.working_on(other.id, task.node):
        if other.id in site.copying.values():
            return False  # half an image on the host would be worse
        site.processes.kill(other.id, task.node)
        site.note(What.PROCESS_KILLED, task, request=other.request, state=other.state, detail=_for(task))
        yield _AFTER_KILL
    yield _AFTER_COMPLETING
    return None


def _complete(site: Site, task: Task, other: Competitor, last_state: int) -> None:
    site.rows.change_request(other.request, states.COMPLETE, last_state)
    site.note(What.COMPETITOR_COMPLETED, task, request=other.request, state=other.state, detail=_for(task))


def _for(task: Task) -> str:
    return f"for request {task.request}"
