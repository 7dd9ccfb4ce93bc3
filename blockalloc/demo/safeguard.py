"""Nothing of the demo writes to a site that is not the demo's."""

from django.conf import settings


class NotTheDemo(Exception):
    """This process does not run the demo, or its database is not the demo's; the text says what to do."""


def require_demo() -> None:
    """Raise NotTheDemo unless this process runs the demo: BLOCKALLOC_DEMO=1 in its environment.

    Its database is then the demo's file, or what BLOCKALLOC_DEMO_DATABASE_URL names, whatever DATABASE_URL says.
    """
    if not settings.BLOCKALLOC_DEMO:
        raise NotTheDemo(
            "this is for the demo site only, and this process runs on a site of its own settings: nothing was changed. "
            "For the demo site set BLOCKALLOC_DEMO=1 in the environment (docs/settings.md)"
        )
