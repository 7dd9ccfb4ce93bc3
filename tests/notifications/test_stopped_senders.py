"""A sender that the system stops in the middle of a delivery, until another one has taken over."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from blockalloc.models import Message, Recipient
from blockalloc.notifications.sending import Sender
from tests.support.connections import shared_database
from tests.support.servers.mail_server import MailServer
from tests.support.servers.own_process import ROOT, inherited
from tests.support.sites.outbox import states, told
from vclsite.notifications import MailServer as Address

pytestmark = pytest.mark.django_db(transaction=True)

# As in service, a lane is kept longer than a delivery may take.
_LEASE, _DELIVERY = 2, 1.0
_CODE = f"""
import django
django.setup()
from blockalloc.notifications.mail import MailChannel
from blockalloc.notifications.sending import Sender
from blockalloc.store import lanes
lanes.LEASE = {_LEASE}
channel = MailChannel(seconds={_DELIVERY})
print(Sender(threads=1, channels=lambda: lambda: {{"mail": channel}}).round())
"""


def test_what_another_has_sent_meanwhile_it_does_not_send(
    settings: Settings, tmp_path: Path, time_machine: Any
) -> None:
    time_machine.move_to(tmp_path.stat().st_mtime)  # the other process has no clock of a test
    settings.VCL_SITE_MAIL, settings.VCL_MAIL_FROM = ["desk@example.edu"], "vcl@example.edu"
    settings.VCL_SUMMARY_TIME = None
    told()
    pids: list[int] = []

    def stop(_address: str) -> None:
        """The server has been told who is to get it, and says yes: to a process that is stopped."""
        if pids:
            os.kill(pids.pop(), signal.SIGSTOP)

    with MailServer(recipient=stop) as server:
        settings.VCL_SMTP_URL = Address("127.0.0.1", server.port)
        with (tmp_path / "log").open("w") as log:
            held_up = subprocess.Popen(
                [sys.executable, "-c", _CODE], cwd=ROOT, env=_environment(server.port), stdout=log, stderr=log
            )
        pids.append(held_up.pid)
        try:
            end = time.monotonic() + 20
            while pids:
                assert time.monotonic() < end, (tmp_path / "log").read_text()
                time.sleep(0.05)
            time.sleep(_LEASE + 1.5)
            assert Sender(threads=1).round().sent == 1, (tmp_path / "log").read_text()
        finally:
            held_up.send_signal(signal.SIGCONT)
            held_up.wait(60)
        assert len(server.received) == 1, (tmp_path / "log").read_text()
        assert Sender(threads=1).round().is_quiet
    assert states() == {"sent": 1, "failed": 0, "waiting": 0, "notices": 0}
    assert (Message.objects.get().problem, Recipient.objects.get().failures) == ("", 0)


def _environment(port: int) -> dict[str, str]:
    return inherited() | {
        "DATABASE_URL": shared_database(),
        "DJANGO_SETTINGS_MODULE": "vclsite.settings",
        "VCL_ALLOW_UNSAFE_SETTINGS": "1",
        "VCL_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "VCL_MAIL_FROM": "vcl@example.edu",
        "VCL_SITE_MAIL": "desk@example.edu",
        "VCL_SUMMARY_TIME": "off",
    }
