"""Facts in, rows out: reading, writing, and the waits of calls."""
