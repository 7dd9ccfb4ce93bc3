"""The service's settings, with the clock stopped for each process that reads them, so that pages stay as they are; and
with a page that fails."""

import time_machine

from tests.support.browser.monday_morning import MOMENT
from vclsite.notifications import MailServer
from vclsite.settings import *  # noqa: F403

time_machine.travel(MOMENT, tick=False).start()

VCL_SERVICE_URL = "https://blocks.example.edu"
VCL_SMTP_URL = MailServer("mail.example.edu", 25)  # nobody connects to it
BLOCKALLOC_DEMO = True  # its rows are loaded
ROOT_URLCONF = "tests.support.browser.urls"
