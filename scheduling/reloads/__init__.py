"""Reloads planned for the bell: policy `ready` (SPEC 6).

| module | content |
|---|---|
| `policy` | what a plan rests on |
| `places` | how many loads a management node and a VM host take at a time, and whose loads take them |
| `chance` | how sure it is that loads are done in time, by playing them many times |
| `jobs`, `gates` | the computers of a class as their loads are planned; the nodes and hosts that the loads pass |
| `schedule` | when and on which management node loads begin, as late as is safe |
| `traffic` | the loads of others that are at work, or that are to be expected |
| `exchange` | when substitutes have to begin, and what else a plan tells the looks that follow it |
| `spares` | how many more machines than it needs a class has to have |
| `outlook` | what is said about a class: how sure it is that all is ready |
"""
