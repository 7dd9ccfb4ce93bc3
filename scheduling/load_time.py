"""How long an image takes to load, as VCL estimates it (SPEC 6)."""

SHORTEST = 120  # seconds; a load that took no longer was none
LONGEST = 1800  # seconds; one that took as long was stuck


def mean(seconds: int, loads: int, reload_minutes: int) -> int:
    """Seconds that a load takes: the mean of so many past loads, `seconds` in all, cut to whole seconds.

    Only loads of more than SHORTEST and less than LONGEST count. Without any: the image's `reload_minutes`.
    """
    return seconds // loads if loads else reload_minutes * 60
