"""Servers and processes that tests start, all on 127.0.0.1."""
