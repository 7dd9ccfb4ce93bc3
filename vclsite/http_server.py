"""What the HTTP server is told (deploy/gunicorn.conf.py)."""

from vclsite import environment

BIND = environment.text("GUNICORN_BIND", "127.0.0.1:8000")
WORKERS = environment.whole_number("WEB_CONCURRENCY", 2, low=1, high=64)
THREADS = environment.whole_number("GUNICORN_THREADS", 8, low=2, high=64)
