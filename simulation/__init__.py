"""Doubles of VCL's own programs, which work on the same rows: its back end, its front end and the front end's users.

For tests, measurements and the demo. Nothing of `blockalloc` is imported: what the service means by its rows is not
known here, only what VCL does with them.
"""
