"""What keeps a release from being built."""


class Refused(Exception):
    """No archive is built; the text says why, and what to do."""
