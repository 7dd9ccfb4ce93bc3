"""Races with VCL's front end: `python -m verification.front_end`."""
