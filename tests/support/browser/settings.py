"""The service's settings, with the clock stopped for each process that reads them: pages stay as they are."""

import time_machine

from tests.support.browser.monday_morning import MOMENT
from vclsite.settings import *  # noqa: F403

time_machine.travel(MOMENT, tick=False).start()
