#!/usr/bin/env python3
"""Django's command line for this project: `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    """Run the command named on the command line with this project's settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vclsite.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
