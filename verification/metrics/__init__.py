"""A day of a site, watched by Prometheus: what a dashboard and alert rules show of it.

`python -m verification.metrics` plays it. `day` is the day, quiet until noon; `site` has its classes; `endpoint` answers
Prometheus with the service's own /metrics, at the time of the day; `queries` reads the rules and the dashboard, `judge`
asks Prometheus all of them.
"""
