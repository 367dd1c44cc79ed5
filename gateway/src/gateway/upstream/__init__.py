"""The client side of HTTP/1.1: pooled raw connections to the services."""
