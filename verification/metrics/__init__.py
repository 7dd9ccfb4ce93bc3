"""A day of a site, watched by Prometheus: what the dashboard and the alert rules show of it.

`python -m verification.metrics` plays it. `day` is the day, quiet until noon, with the classes of `site` and the
`troubles` after it; `endpoint` answers Prometheus with the service's own /metrics, at the time of the day; `queries`
reads rules and dashboard, `judge` asks Prometheus all of them, `campaign` puts this together.
"""
