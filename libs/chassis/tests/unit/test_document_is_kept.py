"""What /openapi.json says is what the service does, tried by schemathesis with all its checks."""

import example
import schemathesis
from hypothesis import HealthCheck, settings

from chassis.testing.documents import call_as_documented

built = example.build()
schema = schemathesis.openapi.from_wsgi("/openapi.json", built.app)


@schema.exclude(path="/api/v1/audit").parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_does_what_it_documents(case):
    built.boxes.clear()
    box = example.Box(example.new_id(), "first", None, [])
    built.boxes[box.id] = box
    call_as_documented(case, built.headers("admin"))
