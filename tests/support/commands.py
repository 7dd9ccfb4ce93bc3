"""Commands of manage.py, run in this process."""

from io import StringIO

from django.core.management import CommandError, call_command


def check_vcl(*options: str) -> tuple[int, str]:
    """The exit status of `check_vcl` with these options, and what it printed."""
    out = StringIO()
    try:
        call_command("check_vcl", *options, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}\n{error}"
    return 0, out.getvalue()
