"""The commands of `manage.py`, as operators and scripts see them."""
