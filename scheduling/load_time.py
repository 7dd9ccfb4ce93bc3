"""How long an image takes to load, as VCL estimates it (SPEC 6)."""

SHORTEST = 120  # seconds; a reservation that was ready as soon as this found the image loaded already
LONGEST = 1800  # seconds; a load that took as long as this was stuck


def estimated_load_seconds(seconds: int, loads: int, reload_minutes: int) -> int:
    """The mean of the past `loads`, which took `seconds` together, in whole seconds (rounded down).

    Only loads of more than SHORTEST and less than LONGEST seconds count. Without any, the estimate is the image's
    `reload_minutes`.
    """
    return seconds // loads if loads else reload_minutes * 60
