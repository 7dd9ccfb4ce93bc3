"""Days of a site, drawn at random: classes, users and failing loads, on the rows of which the service, VCL's back end
and its front end work together.

`python -m verification.random_days` plays them; `day` draws one, `site` has its rows, `play` lets it pass, `judge`
says what must not happen, `looks` has keep_ready look every minute (with `--keep-ready`) and judges that, `undone`
disables the safeguards against it, one at a time.
"""
