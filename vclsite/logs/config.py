"""The loggers of Django and of gunicorn, both with lines of the same format (VCL_LOG_FORMAT)."""

from typing import Any

TEXT, JSON = "text", "json"
_FORMATS = {TEXT: "vclsite.logs.formats.TextLines", JSON: "vclsite.logs.formats.JsonLines"}


def of_django(log_format: str) -> dict[str, Any]:
    """Django's LOGGING, for the web service and every command: everything goes to the standard error."""
    return {
        **_base(log_format),
        "filters": {
            "not elsewhere": {"()": "vclsite.logs.formats.NotElsewhere"},
            "without signatures": {"()": "vclsite.logs.paths.WithoutSignatures"},
        },
        "handlers": {"stderr": _handler("stderr"), "libraries": {**_handler("stderr"), "filters": ["not elsewhere"]}},
        "root": {"handlers": ["libraries"], "level": "WARNING"},
        "loggers": {
            "blockalloc": {"handlers": ["stderr"], "level": "INFO"},
            # Answers of 500, with the traceback; Django itself would mail them to nobody.
            "django.request": {
                "handlers": ["stderr"], "level": "ERROR", "propagate": False, "filters": ["without signatures"],
            },
            # It quotes heads of answers that it can't read. Our own lines say what became of such answers.
            "urllib3": {"level": "ERROR"},
        },
    }  # fmt: skip


def of_gunicorn(log_format: str) -> dict[str, Any]:
    """gunicorn's logconfig_dict: errors go to the standard error, access lines to the standard output."""
    return {
        **_base(log_format),
        "handlers": {"stderr": _handler("stderr"), "stdout": _handler("stdout")},
        "root": {"handlers": [], "level": "WARNING"},
        "loggers": {
            "gunicorn.error": {"handlers": ["stderr"], "propagate": False},
            "gunicorn.access": {"handlers": ["stdout"], "level": "INFO", "propagate": False},
        },
    }


def _base(log_format: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": _FORMATS[log_format]}},
    }


def _handler(stream: str) -> dict[str, str]:
    return {"()": "vclsite.logs.formats.Lines", "stream": f"ext://sys.{stream}", "formatter": "lines"}
