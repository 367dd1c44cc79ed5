"""OTLP over HTTP: spans in OpenTelemetry's own messages. Imported only where an endpoint is set, as it takes memory.

The messages are those of opentelemetry-proto; the SDK takes three times as long to make and send them.
"""

import logging
import os
from collections.abc import Sequence
from functools import cached_property, lru_cache
from urllib.parse import unquote

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from chassis.spans import CONSUMER, SERVER, Attributes, Span, TraceSettings, TryLater

TIMEOUT_SECONDS = (1.0, 5.0)  # to connect, and for the answer
_RETRYABLE = (429, 502, 503, 504)
_KINDS = {
    name: Message.SpanKind.Value(f"SPAN_KIND_{name}") for name in ("SERVER", "CLIENT", "PRODUCER", "CONSUMER")
}
_ERROR = Status(code=Status.STATUS_CODE_ERROR)
_SAMPLED, _HAS_REMOTE, _REMOTE = 0x1, 0x100, 0x200  # of trace.proto's SpanFlags
_log = logging.getLogger(__name__)


class OtlpExport:
    """Sends spans of a service to an endpoint; connects nothing until used. An outage of the endpoint is told in one
    line, and so is its end."""

    def __init__(self, service: str, settings: TraceSettings) -> None:
        self._service = service
        self._release = settings.release
        self._url = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
        self._headers = {
            "Content-Type": "application/x-protobuf",
            **headers_of(settings.otlp_headers.reveal()),
        }
        self._verify: str | bool = settings.otlp_certificate or True
        self._failing = False

    def __call__(self, spans: Sequence[Span]) -> bool:
        """Send spans; tell whether they were taken. Raises TryLater where that may be so another time."""
        try:
            answer = self._session.post(
                self._url,
                data=self._message(spans).SerializeToString(),
                headers=self._headers,
                timeout=TIMEOUT_SECONDS,
                verify=self._verify,
                allow_redirects=False,
            )
        except requests.RequestException as gone:
            self._tell(f"{type(gone).__name__}: {gone}")
            raise TryLater() from gone
        self._tell("" if answer.ok else f"{answer.status_code} {answer.text[:200]}")
        if answer.status_code in _RETRYABLE:
            raise TryLater()
        return answer.ok

    def _tell(self, cause: str) -> None:
        if cause and not self._failing:
            _log.warning("spans are not exported", extra={"endpoint": self._url, "cause": cause})
        elif self._failing and not cause:
            _log.info("spans are exported again")
        self._failing = bool(cause)

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # of no use inside, and a third of a request's price
        return session

    @cached_property
    def _resource(self) -> Resource:
        told: Attributes = {
            "service.name": self._service,
            "service.namespace": "souk",
            "service.version": self._release,
            "service.instance.id": f"{os.uname().nodename}-{os.getpid()}",
        }
        return Resource(attributes=_attributes(told))

    def _message(self, spans: Sequence[Span]) -> ExportTraceServiceRequest:
        of_scope = ScopeSpans(
            scope=InstrumentationScope(name="chassis"), spans=[_span(each) for each in spans]
        )
        return ExportTraceServiceRequest(
            resource_spans=[ResourceSpans(resource=self._resource, scope_spans=[of_scope])]
        )


def headers_of(text: str) -> dict[str, str]:
    """Return headers as OpenTelemetry writes them, "name=value,other=value", percent-encoded."""
    pairs = (each.partition("=") for each in text.split(",") if each.strip())
    return {unquote(name.strip()): unquote(value.strip()) for name, _, value in pairs}


def _span(span: Span) -> Message:
    flags = _SAMPLED | _HAS_REMOTE
    if span.parent_id and span.kind in (SERVER, CONSUMER):
        flags |= _REMOTE
    return Message(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id),
        flags=flags,
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.started_ns,
        end_time_unix_nano=span.ended_ns,
        attributes=_attributes(span.attributes),
        status=_ERROR if span.failed else None,
    )


def _attributes(attributes: Attributes) -> list[KeyValue]:
    return [_attribute(key, value) for key, value in attributes.items()]


@lru_cache(1024, typed=True)  # most say the same again and again
def _attribute(key: str, value: str | int | float | bool) -> KeyValue:
    if isinstance(value, str):
        told = AnyValue(string_value=value)
    elif isinstance(value, bool):
        told = AnyValue(bool_value=value)
    else:
        told = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)
    return KeyValue(key=key, value=told)
