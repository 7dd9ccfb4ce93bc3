"""How computers are chosen for a block of machines: facts in, plan out.

Pure Python: no database, no clock, no Django. `planner.make_plan` is the way in. Instants are Unix
seconds (int), lengths of time are seconds, unless a name says otherwise.
"""
