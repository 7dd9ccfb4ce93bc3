"""The loop of a management node's back end, one round at a time."""

from collections.abc import Callable, Iterable

from simulation.back_end import states
from simulation.back_end.blocks import look_at_blocks
from simulation.back_end.events import Event, What
from simulation.back_end.processes import Steps
from simulation.back_end.reclaim import reclaim
from simulation.back_end.reloads import prepare
from simulation.back_end.rows import Due, Task
from simulation.back_end.site import Site
from simulation.back_end.times import minutes
from simulation.back_end.users import COUNTDOWN_MINUTES, TO_CHECK_MINUTES, await_return, count_down, wait_for_user

_PRELOAD_MINUTES = range(25, 36)  # before the start, rounded

_WORK: dict[int, Callable[[Site, Task], Steps]] = {
    states.RELOAD: prepare,
    states.NEW: prepare,
    states.RESERVED: wait_for_user,
    states.INUSE: count_down,
    states.TIMEOUT: reclaim,
    states.DELETED: reclaim,
}
# Requests that were in one of these states are deleted as soon as they are complete or have failed. Others,
# a user's, when their end is past.
_DELETED_AT_ONCE = {
    states.IMAGE,
    states.DELETED,
    states.MAKEPRODUCTION,
    states.RELOAD,
    states.TOMAINTENANCE,
    states.TOVMHOSTINUSE,
}


class BackEnd:
    """The back end of one management node. It can be stopped, as if its host had died, and started again."""

    def __init__(self, site: Site, node: int) -> None:
        self.site = site
        self.node = node
        self.running = True

    def stop(self) -> None:
        """Die: all processes of the node die with it, and leave the rows as they are."""
        self.running = False
        self.site.processes.kill_all(self.node)

    def start(self) -> None:
        """Begin again. Requests that are pending are left alone: nothing resumes them."""
        self.running = True

    def round(self, now: int) -> None:
        """Let time pass until `now` (Unix seconds), then go through the loop once."""
        site = self.site
        site.processes.run(now)
        if not self.running:
            return
        site.rows.check_in(self.node, now)
        deleted = set()
        for due in site.rows.of_node(self.node, now, site.absent):
            if due.request in deleted:
                continue
            if _is_to_be_deleted(due, now):
                deleted.add(due.request)
                site.rows.delete_request(due.request)
                self._note_deleted(due)
            else:
                self._look_at(due, now)
        look_at_blocks(site, self.node)

    def _look_at(self, due: Due, now: int) -> None:
        """Fork a process for a reservation whose time has come."""
        check = check_time(due, now, self.site.absent.get(due.request))
        if not check or due.state not in _WORK or (check == "preload" and due.preload):
            return
        if self.site.processes.working_on(due.id, self.node):
            return
        task = self.site.rows.task(due, self.node, preload_only=check == "preload")
        if task is None:
            return
        self.site.rows.log_load(task, "begin", now)
        self.site.note(What.PROCESS_FORKED, task, detail=check)
        work = await_return if check == "poll" else _WORK[due.state]
        self.site.processes.fork(self.node, work(self.site, task), due.id)

    def _note_deleted(self, due: Due) -> None:
        self.site.log.add(
            Event(self.site.now, What.REQUEST_DELETED, self.node, request=due.request, state=due.last_state)
        )


class BackEnds:
    """The back ends of several management nodes of a site, round by round."""

    def __init__(self, site: Site, nodes: Iterable[int]) -> None:
        self.site = site
        self.of = {node: BackEnd(site, node) for node in nodes}

    def round(self, now: int) -> None:
        """One round of each node that runs, in the order of their ids."""
        for _node, back_end in sorted(self.of.items()):
            back_end.round(now)


def check_time(due: Due, now: int, absent_since: int | None = None) -> str:
    """Whether a request's time has come: "preload", "start", "end" or "poll" (of a user's), or "" for not yet.

    It begins however late it is; the end of a reload is ignored. "poll": its user has been seen to be gone,
    `absent_since` (Unix seconds).
    """
    if due.state in (states.RELOAD, states.NEW):
        to_start = minutes(due.start - now)
        if to_start <= 0:
            return "start"
        return "preload" if to_start in _PRELOAD_MINUTES else ""
    if due.state == states.INUSE:
        left = minutes(due.end - now)
        absent = absent_since is not None and absent_since <= now
        return "end" if left <= COUNTDOWN_MINUTES else "poll" if absent and left >= TO_CHECK_MINUTES else ""
    return "start"


def _is_to_be_deleted(due: Due, now: int) -> bool:
    if due.state not in (states.COMPLETE, states.FAILED):
        return False
    return due.last_state in _DELETED_AT_ONCE or minutes(due.end - now) < 0
