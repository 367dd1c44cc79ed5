"""The server side of HTTP/1.1 on gevent's loop: connections in, requests and replies out."""
