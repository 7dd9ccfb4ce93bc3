"""Days of a site, drawn at random: classes, users and failing loads, on the rows of which the service, VCL's back end
and its front end work together.

`python -m verification.random_days` plays them, with `--keep-ready` also a look of keep_ready in each minute (`looks`);
`day` draws one, `site` has its rows, `play` lets it pass, `judge` says what must not happen, `undone` disables the
safeguards against it, one at a time.
"""
