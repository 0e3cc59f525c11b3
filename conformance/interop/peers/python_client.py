"""Checks an echo server with the Python library `websockets`: python_client.py URL.

Prints a line per check, `ok NAME` or `FAIL NAME: why`; exit status 0 if all are ok.
"""

import asyncio
import sys

from observer import Observer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

SIZES = [0, 125, 126, 65_535, 65_536, 1 << 20]
MESSAGES = 100
LONGEST_REASON = "r" * 123
# Of messages whose bytes on the wire are counted. An odd number of them, so that each comes as text and
# as binary.
COUNTED_SIZES = [0, 20, 126, 2500, 1 << 18]
# Shorter messages need not become shorter still.
SURELY_COMPRESSED = 1024
PATIENCE = 120  # seconds for one check


def text(size, number):
    """Text of `size` bytes, not all of them ASCII, that differs from number to number."""
    bytes = (f"{number:03} " + "grüße € 😀 " * (size // 17 + 1)).encode()[:size]
    whole = bytes.decode(errors="ignore")
    return whole + "." * (size - len(whole.encode()))


def binary(size, number):
    return (bytes(range(256)) * (size // 256 + 2))[number : number + size]


def equal(got, expected):
    if got != expected:
        raise AssertionError(f"got {got!r:.80}, expected {expected!r:.80}")


async def subprotocol(url, offered, expected):
    async with connect(url, subprotocols=offered) as connection:
        equal(connection.subprotocol, expected)


async def messages(url, payload, size):
    async with connect(url) as connection:
        for number in range(MESSAGES):
            message = payload(size, number)
            await connection.send(message)
            equal(await connection.recv(), message)


async def burst(url):
    """A hundred messages before the first echo is read."""
    async with connect(url) as connection:
        for number in range(MESSAGES):
            await connection.send(text(126, number))
        for number in range(MESSAGES):
            equal(await connection.recv(), text(126, number))


async def fragments(url, pieces, is_text, expected):
    async with connect(url) as connection:
        for _ in range(MESSAGES):
            await connection.send(pieces, text=is_text)
            equal(await connection.recv(), expected)


async def ping(url, payload):
    async with connect(url) as connection:
        for _ in range(MESSAGES):
            # Resolves only when a pong with this payload comes.
            await (await connection.ping(payload))


async def ping_between_fragments(url):
    async with connect(url) as connection:

        async def pieces():
            yield "before "
            await (await connection.ping(b"between"))
            yield "after"

        await connection.send(pieces())
        equal(await connection.recv(), "before after")


async def compressed(url, **parameters):
    """Offers compression with these parameters, all of which the answer has to repeat."""
    offers = [ClientPerMessageDeflateFactory(**parameters)] if parameters else None
    async with connect(url, extensions=offers) as connection:
        answer = connection.response.headers.get("Sec-WebSocket-Extensions", "")
        for name, value in {"permessage-deflate": True, **parameters}.items():
            expected = name if value is True else f"{name}={value}"
            if expected not in answer:
                raise AssertionError(f"the answer is {answer!r}")
        async for size, bytes in exchanges(connection):
            if size >= SURELY_COMPRESSED and max(bytes) * 2 > size:
                raise AssertionError(f"{size} bytes took {bytes} on the wire")


async def uncompressed(url):
    async with connect(url, compression=None) as connection:
        equal(connection.protocol.extensions, [])
        async for size, bytes in exchanges(connection):
            equal(bytes, (size, size))


async def exchanges(connection):
    """Sends messages and expects their echoes. Yields what they and their echoes took on the wire."""
    observer = Observer.of(connection)
    for number in range(MESSAGES):
        size = COUNTED_SIZES[number % len(COUNTED_SIZES)]
        message = text(size, number) if number % 2 == 0 else text(size, number).encode()
        await connection.send(message)
        equal(await connection.recv(), message)
        yield size, (observer.sent, observer.received)


async def close(url, code, reason):
    async with connect(url) as connection:
        await connection.close(code, reason)
        # The code that the server answered with; 1006 if it did not.
        equal(connection.close_code, code)


async def invalid_text(url):
    """Bytes that are not UTF-8, called text: the server has to be the one that closes."""
    async with connect(url) as connection:
        await connection.send(b"\xc3\x28", text=True)
        try:
            await connection.recv()
        except ConnectionClosed:
            pass
        equal(connection.close_code, 1007)


def checks(url):
    yield "subprotocol-chosen", subprotocol(url, ["other", "echo.v1"], "echo.v1")
    yield "subprotocol-unknown", subprotocol(url, ["other"], None)
    yield "subprotocol-none", subprotocol(url, None, None)
    for size in SIZES:
        yield f"text-{size}", messages(url, text, size)
        yield f"binary-{size}", messages(url, binary, size)
    yield "burst", burst(url)
    yield "fragments-text", fragments(url, ["first ", "", "zweite ü", " third"], None, "first zweite ü third")
    yield "fragments-binary", fragments(url, [b"\x00" * 65_536, b"\x01", b""], None, b"\x00" * 65_536 + b"\x01")
    yield "fragments-inside-a-code-point", fragments(url, [b"\xe2\x82", b"\xac"], True, "€")
    yield "ping-empty", ping(url, b"")
    yield "ping-125", ping(url, binary(125, 0))
    yield "ping-between-fragments", ping_between_fragments(url)
    yield "uncompressed", uncompressed(url)
    yield "compressed", compressed(url)
    no_server_takeover = {"server_no_context_takeover": True}
    yield "compressed-no-server-takeover", compressed(url, **no_server_takeover)
    no_client_takeover = {"client_no_context_takeover": True}
    yield "compressed-no-client-takeover", compressed(url, **no_client_takeover)
    yield "compressed-no-takeover", compressed(url, **no_server_takeover, **no_client_takeover)
    # This library cannot compress for a smaller window than 9 bits.
    small_windows = {"server_max_window_bits": 8, "client_max_window_bits": 9}
    yield "compressed-small-windows", compressed(url, **small_windows)
    yield "close-1000", close(url, 1000, "")
    yield "close-3000-with-reason", close(url, 3000, "genug für heute")
    yield "close-4999-with-longest-reason", close(url, 4999, LONGEST_REASON)
    yield "closed-by-server-1007", invalid_text(url)


async def main():
    failed = False
    for name, check in checks(sys.argv[1]):
        try:
            await asyncio.wait_for(check, PATIENCE)
            print(f"ok {name}", flush=True)
        except Exception as reason:
            failed = True
            print(f"FAIL {name}: {type(reason).__name__}: {reason}", flush=True)
    sys.exit(failed)


asyncio.run(main())
