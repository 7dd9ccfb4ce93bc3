"""The use cases: allocate, dry run, explain, release; each call checked, claimed, confirmed and recorded."""
