"""How long the loads of an image take.

| module | content |
|---|---|
| `estimate` | the mean by which VCL reckons (SPEC 6), and when a load counts as stuck (SPEC 9.2) |
| `model` | what is to be expected of the next load: how long it takes, how often it fails |
| `history`, `seen` | past loads as facts; what the loads that keep_ready saw say of load times |
| `law`, `learning` | a law of lengths, and what loads add to it; the model of an image, learned from past loads |
| `changes` | images whose loads have changed |
"""
