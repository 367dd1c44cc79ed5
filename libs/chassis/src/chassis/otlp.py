"""OpenTelemetry: spans sent by OTLP over HTTP. Imported only where an endpoint is set, for what it takes of memory.

The library's own variables hold: OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _COMPRESSION, OTEL_RESOURCE_ATTRIBUTES.
"""

import logging
import os
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from chassis.spans import CONSUMER, SERVER, Span

TIMEOUT_SECONDS = 5.0
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("chassis")
_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_log = logging.getLogger(__name__)


class OtlpExport:
    """Sends spans of a service to an endpoint; connects nothing until used. An outage of the endpoint is told in one
    line, and so is its end."""

    def __init__(self, endpoint: str, service: str, release: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._service = service
        self._release = release
        self._failing = False
        # It tells of each batch that it could not send.
        logging.getLogger(OTLPSpanExporter.__module__).addFilter(lambda _: not self._failing)

    def __call__(self, spans: Sequence[Span]) -> bool:
        """Send spans; tell whether they have been taken, after 5 s at most."""
        sent = self._exporter.export([self._readable(each) for each in spans]) is SpanExportResult.SUCCESS
        if sent is self._failing:
            self._failing = not sent
            if sent:
                _log.info("spans are exported again")
            else:
                _log.warning("spans are not exported: %s", self._endpoint)
        return sent

    @cached_property
    def _exporter(self) -> OTLPSpanExporter:
        session = requests.Session()
        session.trust_env = False  # of no use inside, and a third of a request's price
        return OTLPSpanExporter(f"{self._endpoint}/v1/traces", timeout=TIMEOUT_SECONDS, session=session)

    @cached_property
    def _resource(self) -> Resource:
        own: dict[str, str | int] = {
            "service.name": self._service,
            "service.namespace": "souk",
            "service.version": self._release,
            "service.instance.id": f"{os.uname().nodename}-{os.getpid()}",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": version("opentelemetry-sdk"),
        }
        # Not by Resource.create: it starts threads, which is too late if the first spans are a process's last.
        return OTELResourceDetector().detect().merge(Resource(own))

    def _readable(self, span: Span) -> ReadableSpan:
        trace_id = int(span.trace_id, 16)
        parent = None
        if span.parent_id:
            remote = span.kind in (SERVER, CONSUMER)
            parent = SpanContext(trace_id, int(span.parent_id, 16), remote, _SAMPLED)
        return ReadableSpan(
            span.name,
            context=SpanContext(trace_id, int(span.span_id, 16), is_remote=False, trace_flags=_SAMPLED),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            kind=SpanKind[span.kind],
            status=_ERROR if span.failed else _UNSET,
            start_time=span.started_ns,
            end_time=span.ended_ns,
            instrumentation_scope=_SCOPE,
        )
