"""Several `manage.py notify` at once, which are killed, and servers that are slow, die and come back.

`campaign` starts the processes and makes news; `judge` compares what the receivers have taken with the rows.
"""
