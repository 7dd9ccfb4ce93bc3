"""The ids of VCL's states (table `state`) that the front end checks."""

DELETED, AVAILABLE, RESERVED, FAILED, IN_USE = 1, 2, 3, 5, 8
MAINTENANCE, TIMEOUT, COMPLETE, NEW, PENDING = 10, 11, 12, 13, 14
TO_MAINTENANCE, RELOAD, VM_HOST_IN_USE, HPC = 18, 19, 20, 23

# Computers in the former are not given to users; in the latter, not for reservations that begin now.
EXCLUDED_STATES = {MAINTENANCE, VM_HOST_IN_USE, HPC, FAILED}
EXCLUDED_STATES_NOW = {TIMEOUT, IN_USE}

# A condition on the request `q`: it keeps others off its computers, which reloads do not.
OCCUPIES = (
    f"q.stateid NOT IN ({FAILED}, {COMPLETE}, {RELOAD}) AND NOT (q.stateid = {PENDING} AND q.laststateid = {RELOAD})"
)
