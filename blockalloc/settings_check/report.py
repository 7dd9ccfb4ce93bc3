"""The answer of `manage.py check_settings`, for people and for programs. It contains no secret."""

import json
import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qs, urlsplit

from blockalloc.settings_check.problems import Problem, Severity
from vclsite import environment
from vclsite.environment import Setting, Source

_HIDDEN = "(hidden)"
_IN_MEMORY = "sqlite://:memory:"  # what follows its colon is no port
_SECRET = re.compile(r"SECRET|PASS|KEY|TOKEN")


def as_text(problems: Sequence[Problem]) -> str:
    """The settings in force, the source of each, and the problems."""
    settings = environment.in_force()
    width = max(len(setting.name) for setting in settings)
    lines = [_file(), ""]
    lines += [f"{setting.name:<{width}}  {setting.source:<11}  {shown(setting)}".rstrip() for setting in settings]
    lines += ["", *(f"{_word(problem)}: {problem.text}" for problem in problems)]
    return "\n".join([*lines, *_summary(problems)])


def as_json(problems: Sequence[Problem]) -> str:
    """The same for programs."""
    file = environment.file()
    answer = {
        "file": {"path": file.path and str(file.path), "is_there": file.is_there},
        "settings": [
            {"name": setting.name, "source": setting.source, "value": shown(setting)}
            for setting in environment.in_force()
        ],
        "problems": [{"severity": _word(problem), "name": problem.name, "text": problem.text} for problem in problems],
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)


def shown(setting: Setting) -> str:
    """The value as it may be shown: nothing of a secret, a URL without its password."""
    if not setting.value:
        return setting.value
    if _SECRET.search(setting.name):
        return "(the demo site's)" if setting.source is Source.DEFAULT else _HIDDEN
    if setting.name == "VCL_WEBHOOK_URL":
        return _shown_webhooks(setting)
    return _shown_url(setting) if setting.name.endswith("URL") else setting.value


def _shown_webhooks(setting: Setting) -> str:
    """Formats and hosts of webhooks: the path of an address is its password. Hidden altogether when one is wrong."""
    if not environment.is_usable(setting.name):
        return _HIDDEN
    urls = [urlsplit(word) for word in setting.value.split()]
    return " ".join(f"{url.scheme}://{url.netloc}/{_HIDDEN}" for url in urls)


def _shown_url(setting: Setting) -> str:
    """A URL without its password and the values of its options. Hidden altogether when it may be parsed wrongly."""
    if setting.value == _IN_MEMORY:
        return setting.value
    try:
        url = urlsplit(setting.value)
        port = f":{url.port}" if url.port else ""
    except ValueError:
        return _HIDDEN
    if not environment.is_usable(setting.name) or url.fragment or "@" in url.path + url.query:
        return _HIDDEN
    if url.scheme == "sqlite":
        return setting.value
    password = f":{_HIDDEN}" if url.password else ""
    user = f"{url.username or ''}{password}@" if url.username or url.password else ""
    options = "&".join(f"{name}=…" for name in parse_qs(url.query))
    return f"{url.scheme}://{user}{url.hostname or ''}{port}{url.path}{'?' if options else ''}{options}"


def _file() -> str:
    file = environment.file()
    if environment.is_demo():
        return "Demo site (BLOCKALLOC_DEMO): no settings file is read."
    if file.path is None:
        return "Settings file: none, as BLOCKALLOC_ENV is empty"
    return f"Settings file: {file.path}{'' if file.is_there else ' (not there)'}"


def _word(problem: Problem) -> str:
    return problem.severity.name.lower()


def _summary(problems: Sequence[Problem]) -> Iterator[str]:
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if not problems:
        yield "Everything is in order."
    else:
        yield from ("", f"Errors: {errors}. Doubtful: {len(problems) - errors}.")
