"""Calls in a stream through nginx while the service restarts, is replaced and dies: none is lost, none is done twice.

`campaign` plays it on the rows of `site` and judges what they hold then.
"""
