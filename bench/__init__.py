"""Measurements that people repeat by hand."""
