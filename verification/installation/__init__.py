"""The installation as an operator has it: on a booted bare Debian, and back. See `story` for what is tried.

It needs root, debootstrap, systemd-nspawn, and a mirror of Debian and PyPI for the first run; later runs use what that
one has fetched.
"""
