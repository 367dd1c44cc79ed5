"""Tokens that are signed well and say what no token may say."""

import itertools
import json
import time


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
