"""How many requests a web process is answering, as a metric. A module of its own: what is not imported is not shown."""

from prometheus_client import Gauge

in_flight = Gauge("http_requests_in_flight", "Requests that are being answered", multiprocess_mode="livesum")
