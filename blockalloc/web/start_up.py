"""What a worker of the web service does beside its first calls."""

import logging
import threading

from django.db import DatabaseError, connection

from blockalloc.inspection import site_clock
from blockalloc.monitoring import site_metrics

logger = logging.getLogger("blockalloc")


def read_metrics_in_background() -> None:
    """Begin to read what /metrics tells of the site: the first reading of a process learns load times from VCL's log.

    A database that does not answer is no matter here.
    """
    site_metrics.latest.begin()


def compare_clocks_in_background() -> threading.Thread:
    """Warn in the log when the site's clock is wrong, without keeping the start waiting for the database.

    The thread never keeps a process from ending, and the service runs whatever the result.
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
            "The site's clock is wrong: %s. docs/check_vcl.md says what to do; manage.py check_vcl checks again.",
            "; ".join(problems),
        )
