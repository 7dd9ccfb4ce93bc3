"""Tests of a cluster that is written through all of its nodes: `python -m pytest --galera verification/galera`."""
