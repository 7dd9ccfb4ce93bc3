"""Kills a call, or the database server, at every SQL statement: either all rows of the call are left, or none."""
