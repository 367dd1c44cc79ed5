"""Targets nobody should send: good ones, mutated by chance in every way that has ever fooled a proxy."""

import random

HOST = "souk.test"
INSERTED = ["/", "//", "/./", "/../", "/.", "/..", ".", "..", "...", "/%2e", "/%2e%2e/", "/%2E%2E"]
INSERTED += ["%252e%252e", "%2f"]
INSERTED += ["%2F", "%252f", "%5c", "%5C", "\\", "/..\\", ";", ";a=b", "/;/", "/..;/", "%3b", "%3B"]
INSERTED += ["%00", "%0", "%"]
INSERTED += ["%zz", "%u002e", "%u2215", "%c0%ae", "%c0%af", "%e0%80%af", "%ef%bc%8f", "\xc0\xae"]
INSERTED += ["\xc0\xaf", "\xef\xbc\x8f"]
INSERTED += ["\xc3\xa9", "\xff", "\x00", "\x01", "\x08", "\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1b"]
INSERTED += ["\x7f", "\x85"]
INSERTED += [" ", "%20", "+", "%2b", "%0a", "%0d%0a", "%09", "#", "#x", "%23", "?", "??", "?a", "%3f"]
INSERTED += ["%3F", "&", "="]
INSERTED += ["*", "@", ":", ":80", "@evil.test", "~", "~root", "'", '"', "<", ">", "|", "^", "`", "{"]
INSERTED += ["}", "[", "]", "$"]
INSERTED += ["!", "(", ")", ",", "-", "_", "me", "TEA", "livez", "metrics", "%6d", "%6De", "%41"]
PREFIXES = [f"http://{HOST}", f"https://{HOST}", f"HTTP://{HOST}", f"//{HOST}", "http:", "http:/"]
PREFIXES += ["http://evil.test"]
PREFIXES += ["/", "//", "\\", "/\\", "\\\\", "/.", "/..", "/;", "*", "?", "#", "", "http://"]
PREFIXES += [f"{HOST}:80", "%2f", "/%2f"]
SUFFIXES = ["/", "//", "/.", "/..", "/../", "/../../livez", ".", "..", ".json", "%00", "%00.json", ";"]
SUFFIXES += [";.css", "#", "?"]
SUFFIXES += ["?#", "??", "?/..", "?/../a", "?a=%2e%2e", "?a=%00", "?a=%", "?a=b&a=c", "?a=b;c", "?a=\\"]
SUFFIXES += ["?a=%5c", "?\xe9"]
SUFFIXES += ["?a=/api/v1/users", "?a b", "?a=%20", "?[]", "?a[]=1", "?%", "?=", "?&", "?a=http://x/"]
SUFFIXES += ["?a#b", "/%20", "/*"]
LONG = [200, 4000, 8100, 8192, 9000]


def insert(chance, target):
    place = chance.randint(0, len(target))
    return target[:place] + chance.choice(INSERTED) + target[place:]


def replace(chance, target):
    place = chance.randrange(len(target))
    return target[:place] + chance.choice(INSERTED) + target[place + 1 :]


def encode(chance, target):
    """Percent-encode a character, or its encoding again."""
    place = chance.randrange(len(target))
    once = f"%{ord(target[place]) & 255:02x}"
    encoded = chance.choice([once, once.upper(), once.replace("%", "%25"), once.replace("%", "%2525")])
    return target[:place] + encoded + target[place + 1 :]


def change_case(chance, target):
    place = chance.randrange(len(target))
    return target[:place] + target[place:].swapcase()


def repeat(chance, target):
    """Say a segment twice, or leave one out."""
    segments = target.split("/")
    place = chance.randrange(len(segments))
    return "/".join(segments[:place] + [segments[place]] * chance.choice([0, 2]) + segments[place + 1 :])


def lengthen(chance, target):
    place = chance.randint(0, len(target))
    return target[:place] + chance.choice("a/.") * chance.choice(LONG) + target[place:]


def begin(chance, target):
    return chance.choice(PREFIXES) + target


def end(chance, target):
    return target + chance.choice(SUFFIXES)


MUTATIONS = [insert, replace, encode, change_case, repeat, begin, end, end]


def mutated(good, count, seed):
    """Return so many different targets, each one to three mutations away from a good one; one in a hundred is long."""
    chance, found = random.Random(seed), dict.fromkeys(good)
    while len(found) < count:
        target = chance.choice(good)
        for _ in range(chance.randint(1, 3)):
            target = chance.choice(MUTATIONS)(chance, target or "/")
        if chance.random() < 0.01:
            target = lengthen(chance, target)
        found[target] = None
    return list(found)
