"""What can go wrong between the gateway and a service, in the words a client is told."""

from chassis.errors import BadGateway, Unavailable


class UpstreamUnavailable(Unavailable):
    code = "upstream_unavailable"
    title = "The service behind this route cannot be reached"


class UpstreamBusy(Unavailable):
    code = "upstream_busy"
    title = "The service behind this route has all it can do"


class UpstreamOverloaded(Unavailable):
    code = "overloaded"
    title = "The service behind this route takes no more for now, so as to answer those it has in time"


class BadUpstreamAnswer(BadGateway):
    code = "bad_upstream_answer"
    title = "The service behind this route gave no proper answer"


class NotConnected(Exception):
    """There is no connection: nothing of the request was sent."""


class ConnectionLost(Exception):
    """The connection ended before the first byte of an answer; `reused`: it had served before, and may just have been
    closed, by rights, when the request was sent."""

    reused = False
