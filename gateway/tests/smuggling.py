"""Requests that hide another one, in every way known: none of them may be understood in two ways."""

HOST = "Host: souk.test\r\n"
PUBLIC = "/api/v1/products/TEA-1"
CANARY = f"GET /api/v1/products/CANARY HTTP/1.1\r\n{HOST}\r\n"
POST = f"POST /api/v1/users HTTP/1.1\r\n{HOST}"
GET = f"GET {PUBLIC} HTTP/1.1\r\n{HOST}"
CHUNKED = f"{POST}Transfer-Encoding: chunked\r\n\r\n"
END = "0\r\n\r\n"
LENGTH = f"Content-Length: {len(CANARY)}\r\n"

# What stands where digits of a Content-Length should.
_LENGTHS = ["+5", "-5", "0x5", "5_0", "0_5", "5 5", "5, 5", "5,6", "5;", "5.0", "1e1", '"5"', "", "\x0b5"]
_LENGTHS += ["5\x0c", "5\x00", "\xb2", "5\t0", "9" * 20, "18446744073709551616", "-0", "5\r\n 5", "x"]
_CODINGS = ["identity", "chunked\t", "chunked, identity", "identity, chunked", "chunked, chunked"]
_CODINGS += ["xchunked"]
_CODINGS += ["chunkedx"]
_CODINGS += [
    "x chunked",
    "\x0bchunked",
    "\x0cchunked",
    "chunked\x0b",
    "chunked;q=1",
    '"chunked"',
    "'chunked'",
]
_CODINGS += [
    ",chunked",
    "chunked,",
    "",
    "gzip, chunked",
    "chunked, gzip",
    "deflate",
    "ch\x00unked",
    "chunked\x00",
]
_CODINGS += ["\xa0chunked", "chu nked", "\r\n chunked", "\r\n\tchunked", "chunked\r\n ,identity"]
_CODINGS += ["trailers"]
_CHUNK_SIZES = ["-1", "+1", "0x1", "1_0", " 1", "1 ", "1\t", "\t1", "1\x0b", "g", "", "1\x00", '"1"', "1,1"]
_CHUNK_SIZES += [
    "fffffffffffffffff",
    "10000000000000000",
    "8000000000000000",
    "00x1",
    "1\r",
    "1\n",
    "1\r\n\n",
    "\n1",
]
_CHUNK_SIZES += [
    "1;",
    "1; a",
    "1 ;a=b",
    "1;a=\x00",
    "1;a=b\n",
    '1;a="\n"',
    '1;a="',
    "1;\ra=b",
    ";a=b",
    "1;a=b\r",
]
_FIELD_NAMES = ["Transfer-Encoding ", "Transfer-Encoding\t", " Transfer-Encoding", "Transfer-Encoding\x00"]
_FIELD_NAMES += ["Transfer-Encoding\x0b", "Transfer\x00-Encoding", "Transfer Encoding"]
_FIELD_NAMES += ["\tTransfer-Encoding"]
_FIELD_NAMES += [
    "\xa0Transfer-Encoding",
    "Transfer-Encoding\xa0",
    "X\rTransfer-Encoding",
    "X: y\nTransfer-Encoding",
]
_FIELD_NAMES += ["X: y\rTransfer-Encoding", "X\n: y\r\nTransfer-Encoding", "X: y\x00\r\nTransfer-Encoding"]
_REQUEST_LINES = [f"GET  {PUBLIC} HTTP/1.1", f"GET {PUBLIC}  HTTP/1.1", f"GET\t{PUBLIC} HTTP/1.1"]
_REQUEST_LINES += [f"GET {PUBLIC}\tHTTP/1.1", f" GET {PUBLIC} HTTP/1.1", f"\tGET {PUBLIC} HTTP/1.1"]
_REQUEST_LINES += [f"GET {PUBLIC} HTTP/1.1 ", f"GET {PUBLIC} HTTP/1.1\t", f"GET {PUBLIC} HTTP/1.1\r"]
_REQUEST_LINES += [f"GET {PUBLIC} RTSP/1.1", f"GET {PUBLIC} RTSP/1.0", f"GET {PUBLIC} ICE/1.0"]
_REQUEST_LINES += [f"GET {PUBLIC} http/1.1"]
_REQUEST_LINES += [f"GET {PUBLIC} HTTP/1.2", f"GET {PUBLIC} HTTP/1.10", f"GET {PUBLIC} HTTP/01.1"]
_REQUEST_LINES += [f"GET {PUBLIC} HTTP/2"]
_REQUEST_LINES += [f"GET {PUBLIC} HTTP/2.0", f"GET {PUBLIC} HTTP/0.9", f"GET {PUBLIC} HTTP/1.1 HTTP/1.1"]
_REQUEST_LINES += [f"GET {PUBLIC}"]
_REQUEST_LINES += [
    f"GET {PUBLIC} ",
    "GET",
    "GET  HTTP/1.1",
    f"get {PUBLIC} HTTP/1.1",
    f"GETT {PUBLIC} HTTP/1.1",
]
_REQUEST_LINES += [
    f"GET\x00 {PUBLIC} HTTP/1.1",
    f"\x00GET {PUBLIC} HTTP/1.1",
    f"\r\n\r\nGET {PUBLIC} HTTP/1.1",
]
_REQUEST_LINES += [f"\nGET {PUBLIC} HTTP/1.1", f"\rGET {PUBLIC} HTTP/1.1", f"\r\r\nGET {PUBLIC} HTTP/1.1"]
_REQUEST_LINES += [
    f"GET http://souk.test{PUBLIC} HTTP/1.1",
    f"GET //souk.test{PUBLIC} HTTP/1.1",
    "GET * HTTP/1.1",
]
_REQUEST_LINES += [
    "CONNECT souk.test:80 HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    f"TRACE {PUBLIC} HTTP/1.1",
    "PRI * HTTP/2.0",
]
_REQUEST_LINES += [f"GET {PUBLIC}\x00 HTTP/1.1", f"GET {PUBLIC}\x7f HTTP/1.1", f"GET {PUBLIC}\xff HTTP/1.1"]

REFUSED = {f"request line {line!r}": f"{line}\r\n{HOST}\r\n{CANARY}" for line in _REQUEST_LINES}
for length in _LENGTHS:
    REFUSED[f"length {length!r}"] = f"{POST}Content-Length: {length}\r\n\r\n{CANARY}"
for coding in _CODINGS:
    REFUSED[f"coding {coding!r}"] = f"{POST}Transfer-Encoding: {coding}\r\n\r\n{END}{CANARY}"
    REFUSED[f"coding {coding!r} before a length"] = (
        f"{POST}Transfer-Encoding: {coding}\r\n{LENGTH}\r\n{END}{CANARY}"
    )
    REFUSED[f"coding {coding!r} behind a length"] = (
        f"{POST}{LENGTH}Transfer-Encoding: {coding}\r\n\r\n{END}{CANARY}"
    )
for name in _FIELD_NAMES:
    REFUSED[f"field {name!r}"] = f"{POST}{name}: chunked\r\n\r\n{END}{CANARY}"
    REFUSED[f"field {name!r} behind a length"] = f"{POST}{LENGTH}{name}: chunked\r\n\r\n{END}{CANARY}"
for size in _CHUNK_SIZES:
    REFUSED[f"chunk size {size!r}"] = f"{CHUNKED}{size}\r\na\r\n{END}{CANARY}"
REFUSED |= {
    "length, then coding": f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{END}{CANARY}",
    "coding, then length": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{END}{CANARY}",
    "coding, then length 0": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n{END}{CANARY}",
    "two lengths": f"{POST}Content-Length: 0\r\n{LENGTH}\r\n{CANARY}",
    "one length twice": f"{POST}{LENGTH}content-length: {len(CANARY)}\r\n\r\n{CANARY}",
    "two codings": f"{POST}Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n{END}{CANARY}",
    "one coding twice": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{END}{CANARY}",
    "a length with GET": f"{GET}{LENGTH}\r\n{CANARY}",
    "a length with HEAD": f"HEAD {PUBLIC} HTTP/1.1\r\n{HOST}{LENGTH}\r\n{CANARY}",
    "a coding with GET": f"{GET}Transfer-Encoding: chunked\r\n\r\n{len(CANARY):x}\r\n{CANARY}\r\n{END}",
    "a coding in HTTP/1.0": f"POST /api/v1/users HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{END}{CANARY}",
    "a body nobody may send": f"POST /api/v1/orders HTTP/1.1\r\n{HOST}Content-Length: 999\r\n\r\n{CANARY}",
    "a body for no route": f"POST /nowhere HTTP/1.1\r\n{HOST}Content-Length: 999\r\n\r\n{CANARY}",
    "a body over the limit": f"{POST}Content-Length: 65537\r\n\r\n{CANARY}",
    "a chunk without its end": f"{CHUNKED}1\r\na{END}{CANARY}",
    "a chunk ended by LF": f"{CHUNKED}1\r\na\n{END}{CANARY}",
    "a chunk longer than it says": f"{CHUNKED}1\r\nab\r\n{END}{CANARY}",
    "a last chunk ended by LF": f"{CHUNKED}1\r\na\r\n0\n\n{CANARY}",
    "a last chunk and a lone LF": f"{CHUNKED}0\r\n\n{CANARY}",
    "trailer fields": f"{CHUNKED}0\r\nContent-Length: 5\r\n\r\n{CANARY}",
    "a trailer that is a request": f"{CHUNKED}0\r\n{CANARY}",
    "a head ended by LF": f"{POST}Content-Length: 0\r\n\n{CANARY}",
    "a line ended by LF": f"{POST}X: y\n{LENGTH}\r\n{CANARY}",
    "a line ended by CR": f"{POST}X: y\r{LENGTH}\r\n{CANARY}",
    "a head ended by CR": f"{POST}Content-Length: 0\r\n\r{CANARY}",
    "lines of LF only": f"{GET}\r\n{CANARY}".replace("\r", ""),
    "a field without a colon": f"{GET}Content-Length\r\n\r\n{CANARY}",
    "a field without a name": f"{GET}: x\r\n\r\n{CANARY}",
    "a folded line first": f"GET {PUBLIC} HTTP/1.1\r\n X: y\r\n{HOST}\r\n{CANARY}",
    "no Host": f"GET {PUBLIC} HTTP/1.1\r\n\r\n{CANARY}",
    "two Hosts": f"{GET}{HOST}\r\n{CANARY}",
    "a Host that is a list": f"GET {PUBLIC} HTTP/1.1\r\nHost: souk.test, x\r\n\r\n{CANARY}",
    "an unknown expectation": f"{POST}Expect: 100-continued\r\n{LENGTH}\r\n{CANARY}",
    "two expectations": f"{POST}Expect: 100-continue\r\nExpect: 100-continue\r\n{LENGTH}\r\n{CANARY}",
    "an upgrade": f"{GET}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n{CANARY}",
    "an upgrade with settings": (
        f"{GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n{CANARY}"
    ),
    "a websocket": f"{GET}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n{CANARY}",
    "the preface of HTTP/2": f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{CANARY}",
    "a TLS hello": f"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03{CANARY}",
}

# What may be served: the bytes, and the body that the service gets. A request behind it is the next one.
SERVED = {
    "a body that is a request": (f"{POST}{LENGTH}\r\n{CANARY}", CANARY),
    "a chunk that is a request": (f"{CHUNKED}{len(CANARY):x}\r\n{CANARY}\r\n{END}", CANARY),
    "a request in many chunks": (f"{CHUNKED}" + "".join(f"1\r\n{each}\r\n" for each in CANARY) + END, CANARY),
    "an extension": (f"{CHUNKED}1;a=b\r\nx\r\n{END}", "x"),
    "an extension in quotes": (f'{CHUNKED}1;a="0;b \\" c"\r\nx\r\n{END}', "x"),
    "an extension of the last chunk": (f"{CHUNKED}1\r\nx\r\n0;a=b\r\n\r\n", "x"),
    "a size with zeros before it": (f"{CHUNKED}{1:020}\r\nx\r\n000\r\n\r\n", "x"),
    "a size in capitals": (f"{CHUNKED}A\r\n0123456789\r\n{END}", "0123456789"),
    "a length with zeros before it": (f"{POST}Content-Length: 0001\r\n\r\nx", "x"),
    "a coding in capitals": (f"{POST}Transfer-Encoding: CHUNKED\r\n\r\n1\r\nx\r\n{END}", "x"),
    "blanks around a coding": (f"{POST}Transfer-Encoding: \t chunked \r\n\r\n1\r\nx\r\n{END}", "x"),
    "blanks around a length": (f"{POST}Content-Length: \t 1 \t\r\n\r\nx", "x"),
    "a length with an underscore": (f"{POST}Content_Length: 99\r\nContent-Length: 1\r\n\r\nx", "x"),
    "a coding with an underscore": (f"{POST}Transfer_Encoding: chunked\r\nContent-Length: 1\r\n\r\nx", "x"),
    "framing named in Connection": (
        f"{POST}Connection: content-length, transfer-encoding, host\r\nContent-Length: 1\r\n\r\nx",
        "x",
    ),
    "an upgrade nobody asked the connection for": (f"{GET}Upgrade: h2c\r\n\r\n", ""),
    "one empty line before it": (f"\r\n{GET}\r\n", ""),
    "no length": (f"{POST}\r\n", ""),
    "HTTP/1.0": ("POST /api/v1/users HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", "x"),
    "HTTP/1.0 that wants to stay": (f"GET {PUBLIC} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ""),
    "a connection that ends": (f"{GET}Connection: x, close\r\n\r\n", ""),
}
