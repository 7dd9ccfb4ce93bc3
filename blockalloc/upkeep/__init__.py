"""Keeps block times ready until the bell: one look a minute (SPEC 9).

| module | content |
|---|---|
| `passes` | one look at all block times of the next hours: read, decide, act, record |
| `reading` | facts about block times, in a fixed number of statements |
| `mending` | what one block time needs, carried out by claim and confirm, as any allocation |
| `holding` | the holds on computers that wait for their load or are loading |
| `leftovers` | what is removed: computers of times that are skipped or over, reloads that nobody needs |
| `trust` | whether the site's clock may be trusted, by this look and earlier ones |
| `loads` | the loads that were seen, and the images that fail |
| `classes` | one row for each class that took place |
| `staff` | "Put right now", "Stop holding" |
"""
