"""Doubles of VCL's own programs, which work on the same rows: its back end, its front end and the front end's users.

For tests, measurements and the demo. Nothing of `blockalloc` is imported: the doubles know only what VCL does with
rows, not what the service means by its own.
"""
