"""Campaigns that attack the promises of the service, for minutes or hours. See README.md here.

As for tests: none of them reads this machine's settings file, nor runs on its demo site.
"""

import tests  # noqa: F401 - leaves both out, also in the processes that are started
