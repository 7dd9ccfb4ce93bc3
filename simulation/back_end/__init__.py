"""A double of VCL's back end, the program vcld: what it does with the rows, on a clock that the test moves on.

| module | what it knows |
|---|---|
| `loop` | one round of a management node: heartbeat, requests, block requests; when a request's time has come |
| `reloads` | the process of a request in state `reload` or `new`: is the computer free, load it, done |
| `competitors` | what other requests on the computer mean for one that wants to load it |
| `loads` | does a computer need a load; the load, its queue and its steps |
| `clusters`, `failures` | the parts of a cluster wait for one another; a reservation fails |
| `users`, `reclaim` | a user comes, stays, has to go; what is loaded after him |
| `blocks`, `mails` | start, end and expiry of block requests; what its owner and the administrators are told |
| `site`, `conditions`, `events` | what all processes share, what the test decides, what has happened |
| `processes`, `rows`, `states`, `times` | forked processes, SQL, VCL's numbers of states, VCL's times |

It is as careless as the original: `blockComputers` is not looked at before a computer is loaded, reloads
with `preload` 0 begin 35 minutes early, a block is asked for once and never again.
"""
