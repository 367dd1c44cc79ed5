"""Command: print a private JWKS with one new RSA key, for USERS_TOKEN_KEYS_FILE: `python -m users.keys`."""

import json
import secrets
import sys
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


def new_private_key() -> dict[str, Any]:
    """Return a new RSA key of 2048 bits as a private JWK (RFC 7517)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    members = RSAAlgorithm.to_jwk(key, as_dict=True) | {"use": "sig", "alg": "RS256", "key_ops": ["sign"]}
    return members | {"kid": secrets.token_urlsafe(12)}


if __name__ == "__main__":
    json.dump({"keys": [new_private_key()]}, sys.stdout, indent=2)
    sys.stdout.write("\n")
