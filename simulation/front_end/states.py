"""States of VCL's table `state` that the front end looks for, by their ids."""

DELETED, AVAILABLE, FAILED, IN_USE = 1, 2, 5, 8
MAINTENANCE, TIMEOUT, COMPLETE, NEW, PENDING = 10, 11, 12, 13, 14
TO_MAINTENANCE, RELOAD, VM_HOST_IN_USE, HPC = 18, 19, 20, 23

# A computer in one of these is not given to a user; in the latter not for a reservation that begins now.
EXCLUDED_STATES = {MAINTENANCE, VM_HOST_IN_USE, HPC, FAILED}
EXCLUDED_STATES_NOW = {TIMEOUT, IN_USE}

# A condition on the request `q`: it keeps others off its computers. Reloads do not.
OCCUPIES = (
    f"q.stateid NOT IN ({FAILED}, {COMPLETE}, {RELOAD}) AND NOT (q.stateid = {PENDING} AND q.laststateid = {RELOAD})"
)
