"""`manage.py check_settings`: which settings are in force, where they come from, and what is wrong with them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from blockalloc.settings_check.checks import all_problems
from blockalloc.settings_check.report import as_json, as_text


class Command(BaseCommand):
    """See docs/settings.md."""

    help = (
        "List the settings that are in force and where each comes from (environment, settings file, default), and say "
        "what is wrong or doubtful. Shows no secrets, changes nothing. "
        "Exit status: 0 in order, 1 something is doubtful, 2 something is wrong or missing."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check, and print the result."""
        problems = all_problems()
        self.stdout.write(as_json(problems) if options["json"] else as_text(problems))
        if problems:
            raise SystemExit(int(max(problem.severity for problem in problems)))
