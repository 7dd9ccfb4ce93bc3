"""What one allocation call costs, over real HTTP, beside plain SQL that does the same: `python -m bench.calls`."""
