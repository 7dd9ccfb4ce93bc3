"""One of several processes that allocate at once: `python -m tests.race_worker BLOCK_TIME MACHINES …`.

0 machines: as many as the block request wants, by the other method.

Says "ready", waits for a line, makes its calls on the database of DATABASE_URL with the clock of
the class site, and prints the answers as JSON: a number, or the code of the refusal.
"""

import json
import sys

import django
import time_machine
from django.test import override_settings


def main(pairs: list[tuple[int, int]]) -> None:
    """Make one call for each (block time, machines)."""
    django.setup()
    from django.db import connection

    from blockalloc import service
    from blockalloc.calls import Refusal
    from tests.class_site import CALLER, NOW, ZONE, a_call

    answers = []
    with override_settings(TIME_ZONE=ZONE), time_machine.travel(NOW, tick=False):
        connection.ensure_connection()
        print("ready", flush=True)
        sys.stdin.readline()
        for block_time, machines in pairs:
            try:
                if machines:
                    answers.append(service.allocate_block(a_call(machines, block_time=block_time), CALLER))
                else:
                    answers.append(service.process_block_time(block_time, True, CALLER).allocated)
            except Refusal as refusal:
                answers.append(-refusal.code)
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(list(zip(numbers[::2], numbers[1::2], strict=True)))
