"""An issuer of access tokens for tests: good ones by default, bent in one place on demand."""

import json
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://souk.test"
AUDIENCE = "souk"


class Issuer:
    def __init__(self):
        self.private = {}
        self.rotate()

    def rotate(self):
        """Make a new key and sign with it from now on; the old ones stay published."""
        self.kid = f"key-{len(self.private) + 1}"
        self.private[self.kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def key(self):
        return self.private[self.kid]

    def jwks(self):
        return json.dumps({"keys": [self.jwk(kid) for kid in reversed(self.private)]}).encode()

    def jwk(self, kid):
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private[kid].public_key(), as_dict=True)
        return public | {"kid": kid, "alg": "RS256", "use": "sig"}

    def claims(self, **changes):
        now = int(time.time())
        good = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(uuid.uuid4()), "iat": now, "exp": now + 600}
        good |= {"jti": str(uuid.uuid4()), "roles": []}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def headers(self, **changes):
        good = {"kid": self.kid, "typ": "at+jwt"}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, *, headers=None, algorithm="RS256", key=None, **claims):
        return jwt.encode(
            self.claims(**claims),
            key if key is not None else self.key,
            algorithm=algorithm,
            headers=self.headers(**(headers or {})),
        )

    def bearer(self, **changes):
        return f"Bearer {self.token(**changes)}"
