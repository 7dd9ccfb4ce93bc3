"""A double of VCL's back end, the program vcld: what it does with the rows, on a clock that the test advances.

| module | content |
|---|---|
| `loop` | one round of a management node: heartbeat, requests, block requests; when a request's time has come |
| `reloads` | the process of a request in state `reload` or `new`: is the computer free, load it, done |
| `competitors` | what other requests on the computer mean for one that wants to load it |
| `loads` | does a computer need a load; the load, its queue and its steps |
| `clusters`, `failures` | the parts of a cluster wait for one another; a reservation fails |
| `users`, `reclaim` | a user connects, stays, is timed out; what is loaded afterwards |
| `blocks`, `mails` | start, end and expiry of block requests; the mails to its owner and the administrators |
| `site`, `conditions`, `events` | what all processes share, what the test decides, what has happened |
| `processes`, `rows`, `states`, `times` | forked processes, SQL, VCL's numbers of states, VCL's times |

It is as careless as the original: `blockComputers` is not read before a computer is loaded, reloads
with `preload` 0 begin 35 minutes early, a block is asked for once and never again.
"""
