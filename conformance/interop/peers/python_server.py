"""Echo server on the Python library `websockets`: python_server.py HOST:PORT.

The path chooses what comes on top of the echo; README.md lists the paths.
"""

import asyncio
import sys

from observer import Observer
from websockets.asyncio.server import serve

FRAGMENT = 1000


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def echo_in_fragments(connection):
    async for message in connection:
        pieces = [message[at : at + FRAGMENT] for at in range(0, len(message), FRAGMENT)]
        # An empty last fragment is legal, and a favourite of nobody's parser.
        await connection.send([*pieces, message[:0]])


async def ping_then_echo(connection):
    async for message in connection:
        bytes = message.encode() if isinstance(message, str) else message
        answered = await connection.ping(bytes[:125])
        await answered
        await connection.send(message)


async def close_as_told(connection):
    code, _, reason = (await connection.recv()).partition(" ")
    await connection.close(int(code), reason)


async def echo_and_tell_bytes(connection):
    """Tells after each echo how many bytes the message took on the wire, and how many the echo."""
    observer = Observer.of(connection)
    async for message in connection:
        await connection.send(message)
        await connection.send(f"{observer.received} {observer.sent}")


BEHAVIOURS = {
    "/close": close_as_told,
    "/fragments": echo_in_fragments,
    "/bytes": echo_and_tell_bytes,
    "/ping": ping_then_echo,
}


async def converse(connection):
    await BEHAVIOURS.get(connection.request.path, echo)(connection)


def choose_subprotocol(_connection, offered):
    return "echo.v1" if "echo.v1" in offered else None


async def main():
    host, _, port = sys.argv[1].rpartition(":")
    # Autobahn's longest messages are longer than the limit that is the default.
    limits = {"max_size": None}
    async with serve(converse, host, int(port), select_subprotocol=choose_subprotocol, **limits) as server:
        await server.serve_forever()


asyncio.run(main())
