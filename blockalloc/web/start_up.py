"""What the web service looks at when it starts: whether the site's clock is right."""

import logging
import threading

from django.db import DatabaseError, connection

from blockalloc.inspection import site_clock

logger = logging.getLogger("blockalloc")


def compare_clocks_in_background() -> threading.Thread:
    """Warn in the log when the site's clock is wrong, without keeping the start waiting for the database.

    The thread never keeps a process from ending, and whatever comes of it, the service runs.
    """
    thread = threading.Thread(target=_compare_clocks, name="compare clocks", daemon=True)
    thread.start()
    return thread


def _compare_clocks() -> None:
    try:
        problems = site_clock.examine().problems
    except (DatabaseError, AttributeError, TypeError, ValueError) as error:
        logger.info(
            "The site's clock was not compared with VCL's rows, the database does not answer as VCL's: %s", error
        )
        return
    finally:
        connection.close()
    if problems:
        logger.warning(
            "The site's clock is wrong: %s. What to do is in docs/check_vcl.md; manage.py check_vcl looks again.",
            "; ".join(problems),
        )
