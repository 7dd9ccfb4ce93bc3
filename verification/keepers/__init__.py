"""Several `keep_ready` at once, beside callers, staff, users of VCL's front end, and its back end, on MariaDB.

`campaign` starts the processes of `worker` on the rows of `site`; `judge` reads what they leave.
"""
