"""Recorded cases: small VCL sites, calls made on them, and the answers and rows of VCL's own front end.

The JSON files are data. `python -m tests.golden DIR` replays any folder of such cases.
"""
