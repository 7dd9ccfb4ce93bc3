"""Counts and prints what came of a week."""

import sys
from collections import Counter
from datetime import datetime
from statistics import median

from verification.notifications.changes import What
from verification.notifications.judge import Verdict, judge
from verification.notifications.play import Played
from verification.notifications.readers import DESK, STAFF, WEBHOOK, readers
from verification.notifications.truth import Course
from verification.notifications.week import ZONE

_NIGHT = (22, 2)  # hours of the day: classes end before, and the first ones are asked for after
_SHOWN = 40
_SURE = 95  # percent, VCL_READY_TARGET


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
    courses = {each.id: played.courses.get(each.id, Course()) for each in week.classes}
    of_kinds = Counter(each.trouble for each in week.classes)
    troubled = Counter(each.trouble for each in week.classes if courses[each.id].changes)
    changes = Counter(change.what for course in courses.values() for change in course.changes)
    print(f"{len(week.classes)} classes on {week.days} days, {troubled.total()} of them in trouble:")
    for trouble, number in sorted(of_kinds.items()):
        print(f"  {trouble:60}{troubled[trouble]:>4} of {number}")
    print(f"changes: {changes.total()} ({', '.join(f'{what}: {number}' for what, number in sorted(changes.items()))})")


def _print_reader(name: str, verdicts: list[Verdict]) -> None:
    news = [message for verdict in verdicts for message in verdict.reader.news]
    others = sum(len(verdict.reader.messages) for verdict in verdicts) - len(news)
    changes = sum(verdict.changes.total() for verdict in verdicts)
    of_classes = sum((verdict.messages_of_classes for verdict in verdicts), Counter())
    delays = [delay for verdict in verdicts for delay in verdict.delays if delay]
    print(f"{name}: {changes} changes, {len(news)} messages of news, {others} daily summaries")
    if news:
        mean, most = of_classes.total() / len(of_classes), max(of_classes.values())
        several = sum(len(message.classes()) > 1 for message in news)
        print(f"  for a class in trouble {mean:.1f}, at most {most}; {several} are about several classes")
        print(f"  known after {median(delays):.0f} seconds (median), {max(delays)} at most")
        at_risk = [told for each in news for told in each.told if told.what is What.AT_RISK and told.is_latest]
        sure = sum(told.chance is not None and told.chance >= _SURE for told in at_risk)
        print(f"  {sure} of {len(at_risk)} that say “at risk” say that all will be ready with {_SURE} % or more")


def _print_nights(played: Played) -> None:
    """How many mails came at an hour at which nothing can have changed."""
    hours = [datetime.fromtimestamp(each.at, ZONE).hour for each in played.received if each.door == "mail"]
    begin, end = _NIGHT
    print(f"mails from {begin}:00 to {end}:00: {sum(hour >= begin or hour < end for hour in hours)}")
