"""An OpenID Connect issuer that is not ours, for tests: a key of any kind, its metadata, its tokens."""

import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from issuing import AUDIENCE
from serving import whole

NEW_KEY = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "PS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class ForeignIssuer:
    """Publishes the public half of `private` and signs with the newest of them; tokens are of `typ` JWT."""

    def __init__(self, name, algorithm, kid="key-1"):
        self.name = name
        self.algorithm = algorithm
        self.private = {}
        self.rotate(kid)

    def rotate(self, kid):
        self.kid = kid
        self.private[kid] = NEW_KEY[self.algorithm]()

    @property
    def key(self):
        return self.private[self.kid]

    def jwk(self, kid):
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public = algorithm.to_jwk(self.private[kid].public_key(), as_dict=True)
        return {name: each for name, each in public.items() if name != "key_ops"} | {"kid": kid, "use": "sig"}

    def jwks(self):
        return json.dumps({"keys": [self.jwk(kid) for kid in self.private]}).encode()

    def metadata(self, **changes):
        return json.dumps({"issuer": self.name, "jwks_uri": f"{self.name}/keys"} | changes).encode()

    def answer(self, wire, request):
        """Serve metadata and keys, as a service of raw sockets does it."""
        documents = {"/.well-known/openid-configuration": self.metadata, "/keys": self.jwks}
        found = next((make for path, make in documents.items() if request.target.endswith(path)), None)
        wire.send(whole(404) if found is None else whole(body=found()))

    def claims(self, **changes):
        now = int(time.time())
        good = {"iss": self.name, "aud": ["account", AUDIENCE], "sub": "ada", "iat": now, "exp": now + 600}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, *, headers=None, **claims):
        return jwt.encode(
            self.claims(**claims),
            self.key,
            algorithm=self.algorithm,
            headers={"kid": self.kid, "typ": "JWT"} | (headers or {}),
        )

    def bearer(self, **changes):
        return f"Bearer {self.token(**changes)}"
