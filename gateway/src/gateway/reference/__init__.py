"""The interface of the whole system, made of its services' documents: as OpenAPI, and as a page for people."""
