"""Block times, decision records and readiness as people read them: on pages, in calendars and on the shell."""
