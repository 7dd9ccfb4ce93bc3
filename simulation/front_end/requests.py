"""Requests that pages for administrators insert, as `vclreload@Local`."""

from simulation.front_end.semaphores import Load
from simulation.front_end.session import FrontEnd, Step, Steps

RELOAD_USER = "SELECT u.id FROM user u WHERE u.unityid = 'vclreload'"

# `preload` is left to its default, 0.
_REQUEST = f"""
INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested)
SELECT %s, %s, v.id, %s, %s, %s FROM ({RELOAD_USER}) v
"""  # noqa: S608 - put together from constants
_RESERVATION = """
INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid)
VALUES (%s, %s, %s, %s, %s)
"""


def insert(front_end: FrontEnd, state: int, computer: int, load: Load, start: int, end: int) -> Steps[int]:
    """A request in `state`, its last state too, for hours in Unix seconds; gives its id."""
    local = front_end.local
    hours = [local(start), local(end)]
    answer = yield Step("request", lambda now: (_REQUEST, [state, state, *hours, local(now)]))
    request = answer.new_id
    row = [request, computer, load.image, load.revision, load.node]
    yield Step("reservation", lambda now: (_RESERVATION, row))
    return request
