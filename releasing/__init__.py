"""Builds the archive of a release, for `make release`: the same bytes from the same commit."""
