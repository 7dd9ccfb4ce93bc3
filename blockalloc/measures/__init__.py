"""What processes count and time for /metrics; blockalloc/monitoring answers with it.

| module | content |
|---|---|
| `calls` | calls and their durations, machines wanted and allocated |
| `guard` | waits for the guard, retries, waits for rivals |
| `passed_on` | calls passed on to VCL's front end |
| `sign_ins` | failed sign-ins and lock-outs |
| `looks` | looks of keep_ready and what they changed |
| `deliveries` | attempts to deliver notifications |
| `registry` | the metrics of this process, and those of all processes of this host together |
| `values`, `slot` | where counts are kept: in a file for each process, in the directory VCL_METRICS_DIR |

Counting never raises an error and never waits. Labels have few values, which are known beforehand.
"""
