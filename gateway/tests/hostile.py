"""Hostile access tokens: each is what a good one is not, in one place; none may be taken for it."""

import base64
import hashlib
import hmac
import itertools
import json
import random
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


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


def claims(source):
    now, good = int(time.time()), source.issuer.claims()
    no_times = [
        '"{}"',
        "true",
        "null",
        "[]",
        "{{}}",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "1e10",
        "{}.5",
        "{}.0",
    ]
    no_times += [
        '"\u0662\u0660\u0669\u0669"',
        "\uff12\uff10\uff19\uff19",
        "0x7f",
        "0{}",
        "+{}",
        '"9999-12-31"',
        "[{}]",
    ]
    for name, text in itertools.product(("exp", "nbf", "iat"), no_times):
        yield source.token(payload=source.said(good, name, text.format(now + 60)))
    for exp in (0, -1, now - 60, now - 10**9, -(10**30), now + 10**8, 2**63, 2**64, 10**400):
        yield source.token(exp=exp)
    for name, value in itertools.product(("nbf", "iat"), (now + 60, now + 10**9, 2**64, 10**400)):
        yield source.token(**{name: value})
    mine = good["iss"]
    for iss in (
        f"{mine}/",
        f"{mine}\0",
        f" {mine}",
        mine.upper(),
        "",
        "https://evil.test",
        None,
        1,
        [mine],
        {mine: 1},
    ):
        yield source.token(iss=iss)
    for aud in ("", "Souk", "souk ", "soukk", "other", None, 1, [], ["other"], [["souk"]], {"souk": 1}, True):
        yield source.token(aud=aud)
    for sub in ("", None, 0, True, [], ["a"], {"id": "a"}, "a" * 256):
        yield source.token(sub=sub)
    for roles in ("admin", "", 1, True, [1], ["admin", None], [["admin"]], {"admin": True}):
        yield source.token(roles=roles)
    for name in ("iss", "aud", "sub", "exp"):
        yield source.token(payload={each: value for each, value in good.items() if each != name})


def doubled(source):
    """Members that come twice: which of them counts would be up to the reader."""
    for part, other in (("header", "none"), ("payload", "evil")):
        members = source.header if part == "header" else source.issuer.claims()
        whole = json.dumps(members)[1:-1]
        for name, value in members.items():
            again = json.dumps(name), f'"\\u{ord(name[0]):04x}{name[1:]}"'
            for spelt, said in itertools.product(again, (json.dumps(value), json.dumps(other), "null")):
                yield source.token(**{part: f"{{{whole},{spelt}:{said}}}"})
                yield source.token(**{part: f"{{{spelt}:{said},{whole}}}"})


def not_objects(source):
    good = source.token()
    inside = json.dumps(source.issuer.claims())
    texts = [
        "[]",
        "null",
        "1",
        '""',
        json.dumps(good),
        f"[{inside}]",
        inside[:-1],
        inside + "}",
        inside + inside,
        "{}",
    ]
    texts += [
        f"\ufeff{inside}",
        inside.replace('"', "'"),
        inside + "//",
        inside[:-1] + ",}",
        "[" * 1000,
        '{"a":' * 400,
    ]
    for text in texts:
        yield source.token(payload=text)
        yield source.token(header=text if text != "{}" else "[]")
    yield source.token(payload=source.issuer.claims(pad="p" * 4096))
    yield source.token(header=source.header | {"kid": "k" * 3500})


def respelt(source):
    good = source.token()
    parts = good.split(".")
    for number, part in enumerate(parts):
        last = ALPHABET.index(part[-1])
        spelt = [part + "=", part + "==", part + "A", part[:-1], part + ".", "", part[:9] + "%2D" + part[9:]]
        spelt += [part[:5] + odd + part[5:] for odd in " \t+/=*\xe9\u0663"]
        if len(part) % 4:  # bits of the last character that nobody reads
            spelt += [
                part[:-1] + ALPHABET[last ^ bit] for bit in ((1, 2) if len(part) % 4 == 3 else (1, 2, 4, 8))
            ]
        for each in spelt:
            yield ".".join([*parts[:number], each, *parts[number + 1 :]])
    yield from (".".join(order) for order in itertools.permutations(parts) if list(order) != parts)
    yield from (
        f"{good}.{parts[2]}",
        f"{good}..",
        f".{good}",
        f"{parts[0]}.{parts[1]}",
        f"{parts[0]}..{parts[2]}",
    )
    yield from (f"{good},{good}", f"{good} {good}", f'"{good}"', f"<{good}>", good.swapcase(), good[::-1])
    fields = dict(zip(("protected", "payload", "signature"), parts, strict=True))
    several = {"payload": parts[1], "signatures": [{"protected": parts[0], "signature": parts[2]}]}
    for serialised in (fields, several):
        yield json.dumps(serialised)
        yield encode(serialised)
        yield f"{encode(serialised)}.{parts[1]}.{parts[2]}"


def other_signatures(source):
    head, _, signature = source.token().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    half = len(raw) // 2
    others = [raw[:-each] for each in (1, 2, 3, half, len(raw) - 1)] + [
        raw[1:],
        raw + b"\0",
        b"\0" + raw,
        raw + raw,
    ]
    others += [
        bytes(len(raw)),
        b"\xff" * len(raw),
        raw[::-1],
        raw[half:] + raw[:half],
        raw[:half] + bytes(half),
    ]
    others += [
        bytes(half) + raw[half:],
        source.sign(b"another text"),
        hashlib.sha256(head.encode()).digest(),
        b"\x01",
    ]
    if source.algorithm == "ES256":
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        # Not (r, ORDER - s): that is a signature of the same text by the same key, as good as the one it was made of.
        pairs = [
            (0, s),
            (r, 0),
            (ORDER, s),
            (r, ORDER),
            (ORDER, ORDER),
            (ORDER - r, s),
            (s, r),
            (1, 1),
            (r, ORDER - 1),
        ]
        others += [each.to_bytes(32, "big") + other.to_bytes(32, "big") for each, other in pairs]
        others += [
            encode_dss_signature(r, s),
            encode_dss_signature(r, ORDER - s),
            raw[:32] + b"\0" + raw[32:],
        ]
    for each in others:
        yield f"{head}.{base64url(each)}"


def bent(source, count=120):
    """Good tokens with one character changed."""
    chance = random.Random(f"{source.algorithm} {count}")
    for _ in range(count):
        token = source.token()
        place = chance.choice([number for number, each in enumerate(token) if each != "."])
        yield token[:place] + chance.choice(ALPHABET.replace(token[place], "")) + token[place + 1 :]


def crossed(source, others):
    """Tokens of one issuer by the key of another, under either's key id."""
    for other in others:
        for kid in (source.issuer.kid, other.issuer.kid):
            for algorithm in {source.algorithm, other.algorithm}:
                header = source.header | {"kid": kid, "alg": algorithm}
                signed = f"{encode(header)}.{encode(source.issuer.claims())}"
                yield f"{signed}.{base64url(other.sign(signed.encode()))}"


KINDS = (
    unsigned,
    signed_with_what_is_public,
    other_algorithms,
    key_ids,
    instructions,
    types,
    claims,
    doubled,
)
KINDS += (not_objects, respelt, other_signatures, bent)
