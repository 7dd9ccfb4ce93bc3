"""A double of VCL's PHP front end: what its users and its administrators do to the rows.

Each piece of work is a session: a sequence of steps, one SQL statement each, committed at once. The
driver of a session decides what happens between two of its steps.

`reserving` is a user's reservation (SPEC 8.7), `extending` a longer one, `moving`, `reloading` and
`computer_states` what administrators do with computers, `block_times` what they do with block times.
"""
