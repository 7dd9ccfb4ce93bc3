"""`manage.py explain_computer`: why a block would get a computer or not."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from blockalloc.allocation import service
from blockalloc.allocation.explanation import OneComputer
from blockalloc.management import options, wording
from blockalloc.site_time import site_zone

_NOT_IN_THE_BLOCK = 1


class Command(BaseCommand):
    """What each rule says about one computer and one block."""

    help = (
        "Explain why a class (VCL: block time), or a new one, would or would not get a computer. Nothing is changed. "
        "Exit status: 0 the class has it or would get it, 1 it would not, 2 bad input or refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("computer", metavar="COMPUTER", help="name of the computer, such as cs-22")
        options.add_call_arguments(parser)
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **given: Any) -> None:
        """Plan, and print what the plan says about the computer."""
        try:
            call = options.call_from(given)
            caller = service.system_caller(door="explain_computer", person=options.login())
            explanation = service.explain_computer(call, given["computer"], caller)
        except options.PROBLEMS as problem:
            raise options.as_command_error(problem) from problem
        self.stdout.write(_as_json(explanation) if given["json"] else "\n".join(wording.one_computer(explanation)))
        if not explanation.in_block:
            raise SystemExit(_NOT_IN_THE_BLOCK)


def _as_json(explanation: OneComputer) -> str:
    answer = {
        "computer": explanation.hostname,
        "in_block": explanation.in_block,
        "verdict": explanation.verdict,
        "outlook": wording.outlook_as_json(explanation.outlook, explanation.said),
        "images": [
            {
                **asdict(each),
                "image": each.image.name,
                "against": [{"rule": reason.rule, "reason": reason.describe(site_zone())} for reason in each.against],
            }
            for each in explanation.images
        ],
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)
