"""The settings as mypy's plugin for Django imports them: of no site, whatever the environment sets."""

import os

os.environ["DATABASE_URL"] = "sqlite://:memory:"

from vclsite.settings import *  # noqa: F403 - they read the line above
