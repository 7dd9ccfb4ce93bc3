"""The service's settings for commands of the demo on a database that is not the demo's file."""

from vclsite.settings import *  # noqa: F403

BLOCKALLOC_DEMO = True
