"""Echo client on the Python library `websockets`: python_client.py URL --agent NAME.

Goes through the cases of a fuzzing server.
"""

import asyncio
import contextlib
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


async def main(url, agent):
    async with connect(f"{url}/getCaseCount") as connection:
        count = int(await connection.recv())
    for case in range(1, count + 1):
        # A server that is refused, or that ends the connection in another way than it should, is a verdict, too.
        with contextlib.suppress(WebSocketException, OSError, EOFError):
            # Autobahn's longest messages are longer than the limit that is the default.
            async with connect(f"{url}/runCase?case={case}&agent={agent}", max_size=None) as connection:
                async for message in connection:
                    await connection.send(message)
    async with connect(f"{url}/updateReports?agent={agent}") as connection:
        await connection.wait_closed()


asyncio.run(main(sys.argv[1], sys.argv[3]))
