#!/usr/bin/env python3
"""Django's command line for this project: `manage.py help` lists the commands."""

import os
import sys

_WITHOUT_SETTINGS = {"help", "version", "-h", "--help", "--version"}


def main() -> None:
    """Run the command named on the command line with this project's settings; exit status 2 when they can't be used."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vclsite.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from vclsite import environment

    command = next(iter(sys.argv[1:]), "help")
    if command == "check_settings":
        environment.tolerate_problems()  # it tells them all
    try:
        if command not in _WITHOUT_SETTINGS:
            import vclsite.settings  # noqa: F401 - some of Django's commands would go on without
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
