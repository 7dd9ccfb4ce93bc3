"""Kills a call, or the database server, at every SQL statement: all rows of the call are there then, or none."""
