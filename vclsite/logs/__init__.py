"""Log lines: the id that they carry, their two formats, and the loggers of Django and of gunicorn."""
