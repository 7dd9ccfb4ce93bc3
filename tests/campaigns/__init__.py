"""Samples of the campaigns in `verification/`, short enough for every run."""
