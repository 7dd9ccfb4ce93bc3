#!/usr/bin/env python3
"""Django's command line for this project: `manage.py help` lists the commands."""

import os
import sys

_WITHOUT_SETTINGS = {"help", "version", "-h", "--help", "--version"}
_WITH_WRONG_SETTINGS = {"check_settings", "print_grants"}  # the first reports them all, the other needs none
_PLUGINS = {"check_classes": "CLASSES"}  # of a monitoring system, which reads one line of the output: its first word


def main() -> None:
    """Run the command named on the command line with this project's settings.

    Exit status 2 when the settings or the database can't be used; 3, which is "unknown", of a plugin.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vclsite.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from vclsite import database_errors, environment
    from vclsite.logs import request_id

    request_id.begin(request_id.new())
    command = next(iter(sys.argv[1:]), "help")
    if command in _WITH_WRONG_SETTINGS:
        environment.tolerate_problems()
    try:
        if command not in _WITHOUT_SETTINGS:
            import vclsite.settings  # noqa: F401 - some of Django's commands would run without
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        _refuse(error, command)
    except DatabaseError as error:
        refusal = database_errors.description(error, command)
        if not refusal or "--traceback" in sys.argv:
            raise
        _refuse(refusal, command)


def _refuse(reason: object, command: str) -> None:
    if name := _PLUGINS.get(command):
        print(f"{name} UNKNOWN - {' '.join(str(reason).replace('|', '/').split())}")
        sys.exit(3)
    print(f"error: {reason}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
