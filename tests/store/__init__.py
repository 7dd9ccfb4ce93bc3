"""Facts in, rows out: reading, writing, and what calls wait for."""
