"""A user's reservation once its computer is ready: the user is awaited, works, and is timed out at the end.

Somebody who has left without ending the reservation is timed out before that.
"""

from simulation.back_end import states
from simulation.back_end.clusters import begin
from simulation.back_end.events import What
from simulation.back_end.processes import Steps
from simulation.back_end.rows import Task
from simulation.back_end.site import Site

TO_CONNECT = 900  # seconds in which a user has to connect
TO_RECONNECT = 900  # seconds in which a user who is gone may come back
COUNTDOWN_MINUTES = 10  # before the end
TO_CHECK_MINUTES = TO_RECONNECT // 60 + COUNTDOWN_MINUTES  # before the end: then nobody is timed out early
_CHECK = 300  # seconds between two looks at whether a user is still connected
_LOOK = 15  # seconds: how soon a process sees that the request was changed


def wait_for_user(site: Site, task: Task) -> Steps:
    """State `reserved`: the computer is ready; its user connects, or is timed out."""
    if not (yield from begin(site, task)):
        return
    site.rows.set_computer(task.computer, states.RESERVED)
    site.rows.log_load(task, "reserved", site.now)
    if not task.is_parent:
        return
    site.note(What.USER_READY, task)
    visit = site.conditions.visit(task.request, task.user)
    connects_after = visit.connects_after
    connects = connects_after is not None and connects_after < TO_CONNECT
    wait = connects_after if connects_after is not None and connects else TO_CONNECT
    ready_at = site.now
    while (left := ready_at + wait - site.now) > 0:
        yield min(left, _LOOK)
        if site.rows.states(task.request) != (states.PENDING, states.RESERVED):
            return
    if connects:
        for computer in site.rows.computers_of(task.request):
            site.tainted.add(computer)
            site.rows.set_computer(computer, states.INUSE)
        site.rows.change_request(task.request, states.INUSE, task.state)
        site.note(What.USER_CONNECTED, task)
        if visit.leaves_after is not None:
            site.absent[task.request] = site.now + -(-visit.leaves_after // _CHECK) * _CHECK
    else:
        site.rows.set_computer(task.computer, states.AVAILABLE)
        site.rows.change_request(task.request, states.TIMEOUT, task.state)
        site.note(What.USER_TIMED_OUT, task, detail="did not connect")


def count_down(site: Site, task: Task) -> Steps:
    """State `inuse`, near its end: ten full minutes of warnings, however late they begin; then `timeout`."""
    if not (yield from begin(site, task)) or not task.is_parent:
        return
    end = task.due.end
    yield max(0, end - 60 * COUNTDOWN_MINUTES - site.now)
    for minute in range(COUNTDOWN_MINUTES + 1):
        if site.rows.states(task.request) != (states.PENDING, states.INUSE):
            return
        if (site.rows.end_of(task.request) or 0) > end:  # the user has extended it
            site.rows.change_request(task.request, states.INUSE, task.state)
            return
        if minute < COUNTDOWN_MINUTES:
            yield 60
    for computer in site.rows.computers_of(task.request):
        site.rows.set_computer(computer, states.TIMEOUT)
    _time_out(site, task, "end reached")


def await_return(site: Site, task: Task) -> Steps:
    """State `inuse`, and the user is gone: after a quarter of an hour `timeout`; the computer stays `inuse`."""
    if not (yield from begin(site, task)) or not task.is_parent:
        return
    gone_at = site.now
    while site.now < gone_at + TO_RECONNECT:
        yield _LOOK
        if site.rows.states(task.request) != (states.PENDING, states.INUSE):
            return
    _time_out(site, task, "left")


def _time_out(site: Site, task: Task, detail: str) -> None:
    site.rows.change_request(task.request, states.TIMEOUT, task.state)
    site.note(What.USER_TIMED_OUT, task, detail=detail)
