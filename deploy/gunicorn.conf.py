"""Settings of gunicorn, the HTTP server: `gunicorn -c deploy/gunicorn.conf.py` starts the whole service.

Put a proxy that terminates TLS (and keeps slow clients away) in front of it, and name the proxy in
VCL_TRUSTED_PROXIES: only then is its X-Forwarded-Proto trusted.
"""

import gc
import logging
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

chdir = str(Path(__file__).resolve().parent.parent)
sys.path.insert(0, chdir)

# Settings that cannot be used end the start here, once and with their reason: a worker that met them would be replaced.
try:
    from vclsite import environment, front_end, handover, http_server, settings
    from vclsite.logs import config as logs

    environment.refuse_problems()
except ImproperlyConfigured as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

wsgi_app = "vclsite.wsgi:application"
bind = http_server.BIND

# Threads wait for the database most of the time; a call that waits for another one's guard
# must not stop health checks or staff pages.
worker_class = "gthread"
workers = http_server.WORKERS
threads = http_server.THREADS

# A call may wait this long for the guard (settings.VCL_GUARD_WAIT_SECONDS) and must then still
# have time to do its work: a worker that is stopped or replaced finishes its calls, also calls that
# were passed on to VCL's front end.
timeout = settings.VCL_GUARD_WAIT_SECONDS + 40
if settings.VCL_FRONT_END_URL:
    timeout = max(timeout, front_end.ANSWER_SECONDS + 5)
graceful_timeout = timeout
keepalive = 5

# Calls have a short address and a handful of headers.
limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190

# Which proxies are trusted is decided in one place, blockalloc/web/transport.py: gunicorn itself
# would trust X-Forwarded-Proto from every process on this machine.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}

# Nobody needs to talk to a running server, and the socket's default place is shared by all servers of a user.
control_socket_disable = True

accesslog = "-"
logger_class = "vclsite.logs.access.ServerLog"
logconfig_dict = logs.of_gunicorn(settings.VCL_LOG_FORMAT)


# gunicorn would tell systemd that the service is ready before there is a worker. (What it was started with, and what a
# successor is started with, still has the variable.)
_notify_socket = os.environ.pop("NOTIFY_SOCKET", "")


def pre_exec(server: Any) -> None:
    """On SIGUSR2, in a fork of the first process: start a successor (`systemctl reload`)."""
    handover.start_successor(server)


def post_fork(server: Any, worker: Any) -> None:
    """Prepare a worker.

    Cyclic garbage is collected less often: a call creates tens of thousands of objects at once, without cycles. And a
    worker that is told to end when it has hardly begun ends: the handler that it inherits would note that for the
    first process, and the worker would take calls until it is killed.
    """
    gc.set_threshold(50_000, 20, 20)
    signal.signal(signal.SIGTERM, lambda *_: setattr(worker, "alive", False))
    while not server.SIG_QUEUE.empty():
        if server.SIG_QUEUE.get() == signal.SIGTERM:
            worker.alive = False


def post_worker_init(worker: Any) -> None:
    """Say that the service is ready, and compare the site's clock with VCL's rows: in the first worker of a start.

    If that one has died before it was ready, another one says so: else systemd would take the service for lost. Each
    worker begins to read for /metrics.
    """
    if worker.age == 1 or not handover.is_announced():
        handover.announce(os.getppid(), _notify_socket)
    from blockalloc.web import start_up  # needs the application, which is loaded by now

    start_up.read_metrics_in_background()
    if worker.age == 1:
        start_up.compare_clocks_in_background()


def _without_quotation(record: logging.LogRecord) -> bool:
    """Cut off the quotation of a refused request: gunicorn quotes a malformed header, which may be the password's."""
    record.msg = re.sub(r"^(Invalid request from ip=\S*: [^:]*).*", r"\1", str(record.msg), flags=re.DOTALL)
    return True


logging.getLogger("gunicorn.error").addFilter(_without_quotation)
