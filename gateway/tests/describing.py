"""Small OpenAPI documents of services, as tests need them."""

import json

from gateway.reference.document import ServiceDocument
from gateway.routes import Route

OK = {"200": {"description": "OK"}}


def tree(paths, schemas=None, **more):
    """Return a document; an operation is what it says besides what every operation must."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "a service", "version": "1.0.0"},
        "paths": {
            path: {
                method: {"responses": OK, **operation} if method != "parameters" else operation
                for method, operation in item.items()
            }
            for path, item in paths.items()
        },
        "components": {
            "schemas": schemas or {},
            "securitySchemes": {"assertion": {"type": "http", "scheme": "bearer"}},
        },
        **more,
    }


def document(paths, schemas=None, **more):
    return ServiceDocument(json.dumps(tree(paths, schemas, **more)).encode())


def answering(schema):
    """Return an operation whose answer is of a schema."""
    content = {"application/json": {"schema": ref(schema)}}
    return {"responses": {"200": {"description": "OK", "content": content}}}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def in_path(name):
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}


def route(template, upstream, *methods, policy="public", forward=(), **more):
    return Route(
        template=template,
        methods=methods or ("GET", "HEAD"),
        upstream=upstream,
        policy=policy,
        forward={name.encode(): b"" for name in forward},
        deadline_seconds=10.0,
        body_max_bytes=65536,
        **more,
    )
