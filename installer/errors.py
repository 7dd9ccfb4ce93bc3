"""What ends a program early, each with an exit status of its own."""

DONE, FAILED, REFUSED, WAITING, INTERRUPTED = 0, 1, 2, 3, 130


class Refused(Exception):
    """Input or a machine that cannot be used: nothing was changed. The text says what would be right."""


class StepFailed(Exception):
    """A step could not be done. What was done before stays, and the next run goes on."""


class Waiting(Exception):
    """Somebody else has to do something first. The text says who, what, and what to run afterwards."""
