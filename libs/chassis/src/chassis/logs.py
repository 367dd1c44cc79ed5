"""Logs: JSON lines on stdout with the request's ids in each, and no secret in any."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
from pythonjsonlogger.core import BaseJsonFormatter

from chassis import context
from chassis.log_lines import LineHandler
from chassis.redaction import MASK, redact, redact_text, secret_name

_PLAIN = (int, float, bool, type(None))


class JsonLines(BaseJsonFormatter):
    """One JSON object a record: time, level, service, logger, message, the request's ids, then the extras,
    redacted."""

    def __init__(self, service: str, release: str = "") -> None:
        super().__init__()
        self.service = service
        self.release = release

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC)
        log_data["level"] = record.levelname
        log_data["service"] = self.service
        if self.release:
            log_data["release"] = self.release
        log_data["logger"] = record.name
        log_data["message"] = redact_text(record.message)
        request = context.active()
        if request is not None:
            log_data["request_id"] = request.request_id
            log_data["trace_id"] = request.trace_id
            if request.user_id is not None:
                log_data["user_id"] = request.user_id
        for key, value in message_dict.items():
            log_data[key] = MASK if secret_name(key) else redact(value)
        for key, value in record.__dict__.items():
            if key not in self.reserved_attrs:
                log_data[key] = (
                    value if type(value) in _PLAIN else MASK if secret_name(key) else redact(value)
                )

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        try:
            return orjson.dumps(log_data, option=orjson.OPT_UTC_Z).decode()
        except TypeError:  # what orjson refuses: lone surrogates, integers beyond 64 bits
            return json.dumps(log_data, default=str)


def configure(service: str, level: str = "INFO", stream: TextIO | None = None, *, release: str = "") -> None:
    """Send all logs of this process to `stream` (stdout) as JSON lines; calling again replaces the former
    call.

    `level` is the least severe level logged; `release` is told in each line unless it is empty.
    """
    # Nobody reads these fields, and each costs a look-up a line (see "Optimization" in the logging manual).
    logging._srcfile = None  # type: ignore[attr-defined]  # so does the manual
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = logging.logAsyncioTasks = False
    handler = LineHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines(service, release))
    root = logging.getLogger()
    for former in root.handlers[:]:
        if isinstance(former.formatter, JsonLines):
            root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
