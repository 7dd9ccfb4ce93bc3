"""The settings files: what is there is kept, what is missing is added."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from installer import settings_text
from installer.actions import Action, Folder, Own, Write
from installer.database_url import DatabaseUrl
from installer.inputs import Config
from installer.layout import USER
from installer.machine import Machine
from installer.program import Step
from installer.secret import new_key, new_password

MIGRATION_ACCOUNT = "blockalloc_migration"
_COMMENTS = {
    "DATABASE_URL": "VCL's database. In the password, @ is written as %40, / as %2F, # as %23, ? as %3F, : as %3A, "
    "% as %25.",
    "VCL_TIME_ZONE": "The time zone of VCL's front end and management nodes.",
    "DJANGO_SECRET_KEY": "Signs sessions and forms.",
    "DJANGO_ALLOWED_HOSTS": "The name by which back ends and browsers reach the service.",
    "VCL_TRUSTED_PROXIES": "The server in front, so that its X-Forwarded-Proto and X-Forwarded-For are believed.",
    "VCL_FRONT_END_URL": "VCL's own front end, for the back end's other calls; nothing: there is none, and they fail.",
}
_MIGRATION_COMMENT = (
    "The account that makes and changes the service's tables. For root only: bin/install and bin/upgrade."
)


def files(config: Config) -> Step:
    """The service's settings, and the account of the migrations."""

    def plan(machine: Machine) -> Sequence[Action]:
        layout = machine.layout
        folder = layout.configuration
        actions: list[Action] = [] if machine.is_owned(folder, 0o750, USER) else [Folder(folder, 0o750, USER)]
        before = machine.read(layout.settings)
        after = settings_text.with_values(before or "", _values(config), _COMMENTS)
        added = settings_text.values_of(after).keys() - settings_text.values_of(before or "").keys()
        if added:
            if before is not None:
                when = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
                copy = layout.settings.with_name(f"{layout.settings.name}.bak-{when}")
                actions.append(Write(copy, before, 0o640, USER))
            actions.append(Write(layout.settings, after, 0o640, USER, shows=True))
        elif not machine.is_owned(layout.settings, 0o640, USER):
            actions.append(Own(layout.settings, 0o640, USER))
        if machine.read(layout.migration_settings) is None:
            url = config.database.as_account(MIGRATION_ACCOUNT, new_password()).text()
            text = f"# {_MIGRATION_COMMENT}\nDATABASE_URL={url}\n"
            actions.append(Write(layout.migration_settings, text, 0o600, shows=True))
        elif not machine.is_owned(layout.migration_settings, 0o600):
            actions.append(Own(layout.migration_settings, 0o600, "root"))
        return actions

    return Step("Settings, in /etc/blockalloc: what is there is kept, what is missing is added", plan)


def _values(config: Config) -> Mapping[str, str]:
    return {
        "DATABASE_URL": config.database.as_account(config.database.user, new_password()).text(),
        "VCL_TIME_ZONE": config.time_zone,
        "DJANGO_SECRET_KEY": new_key(),
        "DJANGO_ALLOWED_HOSTS": config.server_name,
        "VCL_TRUSTED_PROXIES": config.trusted_proxies,
        "VCL_FRONT_END_URL": config.front_end_url,
    }


def running_account(machine: Machine) -> DatabaseUrl | None:
    """The account in the settings file; None while there is none."""
    return _account(machine, machine.layout.settings)


def migration_account(machine: Machine) -> DatabaseUrl | None:
    """The account of the migrations; None while there is none."""
    return _account(machine, machine.layout.migration_settings)


def _account(machine: Machine, path: Path) -> DatabaseUrl | None:
    url = settings_text.values_of(machine.read(path) or "").get("DATABASE_URL")
    return DatabaseUrl.parse(url, machine.layout.shown(path)) if url else None
