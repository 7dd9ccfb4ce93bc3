"""What keep_ready has done for a class so far, in words."""

from scheduling.wording import plural


def in_words(replaced: int, loaded_again: int, added: int, noted: str = "") -> str:
    """`2 computers exchanged, 1 loaded again, 3 added; last: no other computer for: c11 (…)`; "" for nothing.

    The numbers are of computers (see models.Watch). `noted`: what could not be done, as it was recorded last.
    """
    counts = [(replaced, "exchanged"), (loaded_again, "loaded again"), (added, "added")]
    words = [(number, what) for number, what in counts if number]
    done = ", ".join(
        f"{number if place else plural(number, 'computer')} {what}" for place, (number, what) in enumerate(words)
    )
    return "; ".join(filter(None, [done, f"last: {noted}" if noted else ""]))
