"""The scripts of `bin/` and what `make` runs."""
