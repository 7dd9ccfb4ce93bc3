"""Tests of the service, and programs that test it for longer.

None of them may read this machine's settings file, nor run on its demo site: whatever imports one of these modules
leaves both out, and so do the processes that it starts.
"""

import os

os.environ["BLOCKALLOC_ENV"] = ""
os.environ.pop("BLOCKALLOC_DEMO", None)
