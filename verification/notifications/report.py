"""Counts and prints what came of a week."""

import sys
from collections import Counter
from datetime import datetime
from statistics import median

from verification.notifications.judge import Verdict, judge
from verification.notifications.play import Played
from verification.notifications.readers import DESK, STAFF, WEBHOOK, readers
from verification.notifications.week import QUIET, ZONE, Trouble

_NIGHT = (22, 2)  # hours of the day: classes end before, and the first ones are asked for after
_SHOWN = 40


def report(played: Played) -> list[str]:
    """Print what came of the week; what went wrong, in words."""
    found, wrong = readers(played)
    verdicts = [judge(reader, dict(played.courses)) for reader in found]
    wrong += [text for verdict in verdicts for text in verdict.wrong]
    wrong += [f"notify says: {problem}" for problem in played.problems]
    _print_week(played)
    named = {verdict.reader.name: verdict for verdict in verdicts}
    for name in (DESK, STAFF, WEBHOOK):
        _print_reader(name, [named.pop(name)])
    _print_reader(f"{len(named)} owners", [*named.values()])
    _print_nights(played)
    for text in wrong[:_SHOWN]:
        print(f"wrong: {text}", file=sys.stderr)
    print(f"{len(wrong)} things went wrong, {played.rounds:,} rounds of notify, {played.seconds:.0f} seconds")
    return wrong


def _print_week(played: Played) -> None:
    week = played.week
    troubled = [each for each in week.classes if each.id in played.courses and played.courses[each.id].changes]
    planned = [each for each in week.classes if each.trouble is not Trouble.NONE and each.trouble not in QUIET]
    quiet = [each for each in week.classes if each.trouble in QUIET]
    changes = Counter(change.what for each in troubled for change in played.courses[each.id].changes)
    print(
        f"{len(week.classes)} classes on {week.days} days, {len(troubled)} of them in trouble: {len(planned)} drawn, "
    )
    print(f"  the others by users and loads; {len(quiet)} skipped, released or no longer accepted")
    for trouble, number in sorted(Counter(each.trouble for each in planned).items()):
        print(f"  {trouble:55}{number:>4}")
    print(f"  {'nothing that anybody is to be told, but a change all the same':55}{len(quiet):>4}")
    print(f"changes: {changes.total()} ({', '.join(f'{what}: {number}' for what, number in sorted(changes.items()))})")


def _print_reader(name: str, verdicts: list[Verdict]) -> None:
    news = [message for verdict in verdicts for message in verdict.reader.news]
    others = sum(len(verdict.reader.messages) for verdict in verdicts) - len(news)
    changes = sum(verdict.changes.total() for verdict in verdicts)
    of_classes = sum((verdict.messages_of_classes for verdict in verdicts), Counter())
    delays = [delay for verdict in verdicts for delay in verdict.delays if delay]
    print(f"{name}: {changes} changes in {len(news)} messages, {others} daily summaries")
    if not news:
        return
    most = max(of_classes.values())
    grouped = sum(len(message.classes()) > 1 for message in news)
    print(
        f"  of a class in trouble {of_classes.total() / len(of_classes):.1f}, at most {most}; {grouped} of several ones"
    )
    print(f"  known after {median(delays):.0f} seconds (median), {max(delays)} at most")


def _print_nights(played: Played) -> None:
    """How many mails came at an hour at which nothing can have changed."""
    hours = [datetime.fromtimestamp(each.at, ZONE).hour for each in played.received if each.door == "mail"]
    begin, end = _NIGHT
    print(f"mails from {begin}:00 to {end}:00: {sum(hour >= begin or hour < end for hour in hours)}")
