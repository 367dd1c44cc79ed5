"""An issuer that signs whatever it is given, and the parts of a token."""

import base64
import json

import jwt


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def encode(value):
    """Return a part of a token; a str is JSON as it is to be written."""
    return base64url((value if isinstance(value, str) else json.dumps(value)).encode())


class Source:
    """An issuer that signs whatever it is given."""

    def __init__(self, issuer, algorithm, typ):
        self.issuer = issuer
        self.algorithm = algorithm
        self.header = {"alg": algorithm, "typ": typ, "kid": issuer.kid}

    def sign(self, message, *, algorithm=None, key=None):
        return jwt.get_algorithm_by_name(algorithm or self.algorithm).sign(message, key or self.issuer.key)

    def token(self, header=None, payload=None, **changes):
        """Return a token whose signature is right, whatever it says."""
        signed = f"{encode(header or self.header)}.{encode(payload or self.issuer.claims(**changes))}"
        return f"{signed}.{base64url(self.sign(signed.encode()))}"

    def said(self, part, name, text):
        """Return the JSON of a header or of claims in which the value of a member is this text."""
        members = {each: json.dumps(value) for each, value in part.items()} | {name: text}
        return "{" + ",".join(f"{json.dumps(each)}:{value}" for each, value in members.items()) + "}"
