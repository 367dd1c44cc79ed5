"""Tokens whose header wants something else: algorithms, keys, instructions, types."""

import base64
import hashlib
import hmac
import itertools
import json

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hostile.source import base64url, encode

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def unsigned(source):
    for alg in (
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "none\0",
        "",
        None,
        0,
        True,
        [],
        ["none"],
        {},
    ):
        signed = f"{encode(source.header | {'alg': alg})}.{encode(source.issuer.claims())}"
        for signature in ("", "AA", base64url(source.sign(signed.encode()))):
            yield f"{signed}.{signature}"


def signed_with_what_is_public(source):
    key = source.issuer.key.public_key()
    jwk = source.issuer.jwk(source.issuer.kid)
    secrets = [
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk).encode(),
        json.dumps(jwk, separators=(",", ":")).encode(),
        source.issuer.jwks(),
        source.issuer.kid.encode(),
        b"",
    ]
    numbers = [jwk[name] for name in ("n", "e", "x", "y") if name in jwk]
    secrets += [each.encode() for each in numbers]
    secrets += [base64.urlsafe_b64decode(each + "==") for each in numbers]
    for secret, bits in itertools.product(secrets, (256, 384, 512)):
        signed = f"{encode(source.header | {'alg': f'HS{bits}'})}.{encode(source.issuer.claims())}"
        yield f"{signed}.{base64url(hmac.digest(secret, signed.encode(), getattr(hashlib, f'sha{bits}')))}"


def other_algorithms(source):
    names = (
        "rs256 Rs256 RS-256 RSA256 RS384 RS512 PS384 PS512 ES384 ES512 ES256K Ed25519 Ed448 eddsa EDDSA HS256"
    )
    for alg in [
        *names.split(),
        "\uff32\uff33256",
        "RS256 ",
        "ES256\0",
        "EdDSA\n",
        "A128KW",
        "dir",
        ["RS256"],
    ]:
        yield source.token(source.header | {"alg": alg})
    for alg in {"RS256", "PS256", "ES256", "EdDSA"} - {source.algorithm}:
        yield source.token(source.header | {"alg": alg})


def key_ids(source):
    ours = source.issuer.kid
    paths = ["../../../../dev/null", "/dev/null", "..\\..\\nul", "file:///dev/null", "http://evil.test/key"]
    queries = [
        "' OR '1'='1",
        "x' UNION SELECT 'secret",
        "1; DROP TABLE keys",
        "*",
        "$(id)",
        "`id`",
        "|id",
        "%00",
    ]
    near = [
        f"{ours}\0",
        f"{ours}\n",
        f"{ours} ",
        f" {ours}",
        ours.upper() + "?",
        f"{ours}/",
        "",
        "k" * 129,
        "k" * 999,
    ]
    for kid in [*paths, *queries, *near, 0, 1, True, None, [], [ours], {"kid": ours}, "\ud800"]:
        yield source.token(source.header | {"kid": kid})
    yield source.token({name: value for name, value in source.header.items() if name != "kid"})


def instructions(source):
    stranger = jwt.algorithms.RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True)
    members = {
        "jwk": stranger,
        "jku": "https://evil.test/keys",
        "x5u": "https://evil.test/cert",
        "x5c": ["MII="],
    }
    members |= {
        "crit": ["exp"],
        "zip": "DEF",
        "b64": False,
        "cty": "JWT",
        "enc": "A256GCM",
        "epk": {},
        "p2c": 10**9,
    }
    members |= {
        "url": "https://evil.test",
        "nonce": "a",
        "iss": "a",
        "exp": 1,
        "kids": [],
        "Kid": "a",
        "ALG": "none",
    }
    for name, value in members.items():
        header = source.header | {name: value}
        yield source.token(header)
        signed = f"{encode(header | {'alg': 'RS256'})}.{encode(source.issuer.claims())}"
        yield f"{signed}.{base64url(source.sign(signed.encode(), algorithm='RS256', key=STRANGER))}"
    for crit in ([], ["b64"], "exp", {"exp": True}, None):
        yield source.token(source.header | {"crit": crit, "b64": True})


def types(source):
    others = [
        "id+jwt",
        "souk-assertion+jwt",
        "logout+jwt",
        "dpop+jwt",
        "",
        None,
        1,
        [],
        ["at+jwt"],
        "JOSE",
        "at+jwt ",
    ]
    others += ["at+jwt\0", "text/at+jwt", "application/application/at+jwt", "at jwt", "\uff41t+jwt"]
    for typ in [*others, "at+jwt" if source.header["typ"] == "JWT" else "JWT"]:
        yield source.token(source.header | {"typ": typ})
    yield source.token({name: value for name, value in source.header.items() if name != "typ"})


def crossed(source, others):
    """Tokens of one issuer by the key of another, under either's key id."""
    for other in others:
        for kid in (source.issuer.kid, other.issuer.kid):
            for algorithm in {source.algorithm, other.algorithm}:
                header = source.header | {"kid": kid, "alg": algorithm}
                signed = f"{encode(header)}.{encode(source.issuer.claims())}"
                yield f"{signed}.{base64url(other.sign(signed.encode()))}"
