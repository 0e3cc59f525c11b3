"""Checks an echo server with the Python library `websockets`: python_client.py URL.

Prints a line per check, `ok NAME` or `FAIL NAME: why`; exit status 0 if all are ok.
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

SIZES = [0, 125, 126, 65_535, 65_536, 1 << 20]
MESSAGES = 100
LONGEST_REASON = "r" * 123
PATIENCE = 120  # seconds for one check


def text(size, number):
    """Text of `size` octets, not all of them ASCII, that differs from number to number."""
    octets = (f"{number:03} " + "grüße € 😀 " * (size // 17 + 1)).encode()[:size]
    whole = octets.decode(errors="ignore")
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


async def close(url, code, reason):
    async with connect(url) as connection:
        await connection.close(code, reason)
        # The code that the server answered with; 1006 if it did not.
        equal(connection.close_code, code)


async def invalid_text(url):
    """Octets that are not UTF-8, called text: the server has to be the one that closes."""
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
