"""All checks of the settings, in the order in which they are reported.

A check is a function without arguments that yields problems; it goes into one of the two lists at the end of this
module. Settings are read by then, but may be wrong: a check uses the values of `django.conf.settings`, which are the
defaults where a value could not be used.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError

from blockalloc.inspection import site_clock
from blockalloc.settings_check import database, files, monitoring, names, notifications, rights
from blockalloc.settings_check.problems import Problem, doubtful, error
from blockalloc.web.front_end import trial
from scheduling.reloads.policy import READY, SPARES
from vclsite import environment, http_server, production
from vclsite.environment import Source

Check = Callable[[], Iterable[Problem]]


def all_problems() -> list[Problem]:
    """The problems that all checks find, errors first."""
    problems = [problem for check in CHECKS for problem in check()]
    if environment.is_usable("DATABASE_URL"):
        obstacle = list(database.check_connection())
        problems += obstacle or [problem for check in DATABASE_CHECKS for problem in check()]
    return sorted(problems, key=lambda problem: -problem.severity)  # in their order otherwise


def check_start() -> Iterator[Problem]:
    """Everything that keeps the service and other commands from starting."""
    for name, text in environment.problems():
        yield error(name, text)


def check_time_zone() -> Iterator[Problem]:
    """A real site has to name its zone: with a wrong one all times are off by hours, and nothing else shows it."""
    if settings.PRODUCTION and _source("VCL_TIME_ZONE") is Source.DEFAULT:
        yield error(
            "VCL_TIME_ZONE", "VCL_TIME_ZONE is not set: name the zone of VCL's front end, such as America/New_York"
        )


def check_hosts() -> Iterator[Problem]:
    """A site that only this machine can reach, though its database is a real one."""
    engine = settings.DATABASES["default"]["ENGINE"]
    if settings.PRODUCTION and engine.endswith("mysql") and all(map(production.is_loopback, settings.ALLOWED_HOSTS)):
        yield doubtful(
            "DJANGO_ALLOWED_HOSTS",
            "DJANGO_ALLOWED_HOSTS has only loopback names of this machine: back ends and browsers are refused; add "
            "the name by which they reach the service, such as blocks.example.edu",
        )


def check_proxies() -> Iterator[Problem]:
    """A server that listens on a loopback address only must have a proxy in front of it."""
    host = http_server.BIND.rpartition(":")[0]
    if settings.PRODUCTION and not settings.VCL_TRUSTED_PROXIES and production.is_loopback(host):
        yield doubtful(
            "VCL_TRUSTED_PROXIES",
            f"VCL_TRUSTED_PROXIES is empty and the service listens on {http_server.BIND}: the proxy in front of it is "
            "not trusted, so all calls count as plain HTTP and are refused; set it to 127.0.0.1 if the proxy runs here",
        )


def check_front_end() -> Iterator[Problem]:
    """Calls that are passed on have to reach VCL's front end, and nothing else."""
    if problem := trial.problem():
        yield error("VCL_FRONT_END_URL", f"VCL_FRONT_END_URL={settings.VCL_FRONT_END_URL}: {problem}")


def check_spares() -> Iterator[Problem]:
    """Spares are a matter of policy `ready`."""
    if settings.VCL_SPARES == SPARES and settings.VCL_RELOAD_POLICY != READY:
        yield doubtful(
            "VCL_SPARES",
            f"VCL_SPARES={SPARES} has no effect with VCL_RELOAD_POLICY={settings.VCL_RELOAD_POLICY}: no class gets "
            f"spares; set VCL_RELOAD_POLICY={READY}, or VCL_SPARES=off",
        )


def check_clock() -> Iterator[Problem]:
    """The time zone and the hosts' clocks, compared with VCL's rows."""
    with suppress(DatabaseError):  # VCL's tables are missing: another check reports that
        for text in site_clock.examine().problems:
            yield error("VCL_TIME_ZONE", text)


def _source(name: str) -> Source:
    return next(setting.source for setting in environment.in_force() if setting.name == name)


# The settings alone, whether or not the database answers.
CHECKS: list[Check] = [
    check_start,
    check_time_zone,
    files.check_modes,
    files.check_hidden,
    names.check_file,
    names.check_environment,
    check_hosts,
    check_proxies,
    check_front_end,
    check_spares,
    notifications.check_recipients,
    notifications.check_mail_server,
    notifications.check_webhooks,
    monitoring.check_metrics_directory,
]
# Checks that read the database: left out when it does not answer.
DATABASE_CHECKS: list[Check] = [
    database.check_migrations,
    rights.check_rights,
    check_clock,
]
