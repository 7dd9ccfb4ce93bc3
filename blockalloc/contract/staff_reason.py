"""Why somebody releases or skips a class: what they enter, as it is kept in the decision record."""

LONGEST = 500  # characters


def cleaned(text: str) -> str:
    """A reason on one line. Raises ValueError, with words for the person, where there is none or it is too long."""
    reason = " ".join(text.replace("\0", " ").split())
    if not reason:
        raise ValueError("say why: the reason is kept in the history of the class")
    if len(reason) > LONGEST:
        raise ValueError(f"the reason has {len(reason)} characters: at most {LONGEST} are kept")
    return reason


def with_reason(done: str, reason: str) -> str:
    """What was done, for the record, with the reason before it: a long list of computers may be cut."""
    return f"reason: {reason}; {done}" if reason else done
