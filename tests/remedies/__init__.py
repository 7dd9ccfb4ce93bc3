"""keep_ready: block times are looked at again until the bell (SPEC 9)."""
