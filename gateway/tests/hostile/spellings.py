"""Good tokens in another spelling, or with another signature."""

import base64
import hashlib
import itertools
import json
import random

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from hostile.source import base64url, encode

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


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
