"""Recorded cases: small VCL sites, calls made on them, and what VCL's own front end answered and wrote.

The JSON files are data. `python -m tests.golden DIR` replays any folder of such cases.
"""
