"""Until the bell: what has to be done so that a class has its machines when it starts (SPEC 9).

| module | content |
|---|---|
| `facts` | a block time of the next hours, with its computers and who else has plans for them |
| `condition` | whether one computer will be ready, and if not, why |
| `needs` | what a block time needs now: computers to give up, to load again, machines to add, holds |
| `target` | how many machines it is to have, by the calls on record |
| `seen_loads` | what became of the loads that are at work |
| `usage` | how many computers of a class were used |
| `broken_image` | when an image fails to load so often that nothing more of it is to be loaded |
| `spares` | when spares are given back, and which computers |
| `leftovers` | what is to be removed: computers of times that are skipped or over, reloads that nobody needs |
"""
