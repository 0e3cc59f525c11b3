#!/usr/bin/env python3
"""Stands between the suite and a sound echo program, and breaks what the program sends.

    saboteur.py DEFECT server LISTEN TARGET    the program is a server at TARGET
    saboteur.py DEFECT client LISTEN TARGET    the program is a client, and the suite is at TARGET

LISTEN and TARGET are HOST:PORT. What the suite sends passes as it is. Of a client only what it says to
/runCase is broken. `saboteur.py --list server` lists the defects that a server can have.
"""

import asyncio
import contextlib
import dataclasses
import os
import socket
import struct
import sys

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA

# What can happen to a transport in the place of a frame.
END, RESET = "end", "reset"


@dataclasses.dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    masked: bool = False
    long: bool = False  # the length in eight bytes, whether it needs them or not

    def changed(self, **what):
        return dataclasses.replace(self, **what)

    @property
    def is_data(self):
        return self.opcode < CLOSE

    def encode(self):
        length = len(self.payload)
        if self.long or length >= 1 << 16:
            code, more = 127, struct.pack("!Q", length)
        elif length >= 126:
            code, more = 126, struct.pack("!H", length)
        else:
            code, more = length, b""
        first = self.fin << 7 | self.rsv << 4 | self.opcode
        key = os.urandom(4) if self.masked else b""
        payload = mask(self.payload, key) if self.masked else self.payload
        return bytes([first, self.masked << 7 | code]) + more + key + payload


def mask(payload, key):
    bytes = (key * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(bytes, "big")
    return number.to_bytes(len(payload), "big")


class Decoder:
    """Cuts bytes into frames."""

    def __init__(self):
        self.bytes = b""

    def frames(self, bytes):
        self.bytes += bytes
        while (frame := self.frame()) is not None:
            yield frame

    def frame(self):
        bytes = self.bytes
        if len(bytes) < 2:
            return None
        size = {126: 2, 127: 8}.get(bytes[1] & 0x7F, 0)
        masked = bytes[1] >> 7
        start = 2 + size + 4 * masked
        if len(bytes) < start:
            return None
        length = int.from_bytes(bytes[2 : 2 + size], "big") if size else bytes[1] & 0x7F
        if len(bytes) < start + length:
            return None
        payload = bytes[start : start + length]
        if masked:
            payload = mask(payload, bytes[start - 4 : start])
        self.bytes = bytes[start + length :]
        first = bytes[0]
        return Frame(first & 0xF, payload, bool(first >> 7), first >> 4 & 7, bool(masked))


# Each of these makes of a frame what is sent in its place: frames, END or RESET.


def data(change):
    return lambda frame: change(frame) if frame.is_data else [frame]


def close(change):
    return lambda frame: change(frame) if frame.opcode == CLOSE else [frame]


def pong(change):
    return lambda frame: change(frame) if frame.opcode == PONG else [frame]


def close_code(code, reason=b""):
    return close(lambda frame: [frame.changed(payload=struct.pack("!H", code) + reason)])


def before(other):
    return lambda frame: [Frame(*other, masked=frame.masked), frame]


def pieces(frame):
    """A message in fragments of ten bytes, and a ping between them."""
    cuts = [frame.payload[at : at + 10] for at in range(0, len(frame.payload), 10)] or [b""]
    first = frame.changed(payload=cuts[0], fin=False)
    rest = [Frame(0, cut, fin=False, masked=frame.masked) for cut in cuts[1:]]
    ping = Frame(PING, b"between", masked=frame.masked)
    return [first, ping, *rest, Frame(0, fin=frame.fin, masked=frame.masked)]


FRAMES = {
    "no-echo": data(lambda frame: []),
    "other-type": data(lambda frame: [frame.changed(opcode={1: 2, 2: 1}.get(frame.opcode, 0))]),
    "shorter": data(lambda frame: [frame.changed(payload=frame.payload[:-1])]),
    "longer": data(lambda frame: [frame.changed(payload=frame.payload + b"!")]),
    "other-byte": data(lambda frame: [frame.changed(payload=frame.payload[:-1] + b"?"[: len(frame.payload)])]),
    "twice": data(lambda frame: [frame, frame]),
    "fragments": data(pieces),
    "not-utf8": data(lambda frame: [frame.changed(payload=frame.payload + b"\xff")]),
    "not-utf8-in-two": data(
        lambda frame: [
            frame.changed(payload=frame.payload + b"\xff", fin=False),
            Frame(0, b"x", masked=frame.masked),
        ]
    ),
    "cut-utf8": data(lambda frame: [frame.changed(payload=frame.payload + b"\xc3")]),
    "never-final": data(lambda frame: [frame.changed(fin=False)]),
    "only-continuations": data(lambda frame: [frame.changed(opcode=0)]),
    "message-in-message": data(lambda frame: [frame.changed(fin=False), frame]),
    "reserved-data-opcode": data(lambda frame: [frame.changed(opcode=5)]),
    "rsv1": data(lambda frame: [frame.changed(rsv=frame.rsv ^ 4)]),
    "rsv3": data(lambda frame: [frame.changed(rsv=frame.rsv | 1)]),
    "long-length": data(lambda frame: [frame.changed(long=len(frame.payload) < 1 << 16)]),
    "end-for-echo": data(lambda frame: [END]),
    "reset-for-echo": data(lambda frame: [RESET]),
    "close-for-echo": data(lambda frame: [Frame(CLOSE, b"\x03\xe8", masked=frame.masked)]),
    "close-1001-for-echo": data(lambda frame: [Frame(CLOSE, b"\x03\xe9", masked=frame.masked)]),
    "pong-before-echo": data(before((PONG, b"unasked"))),
    "ping-before-echo": data(before((PING, b"asked"))),
    "no-pong": pong(lambda frame: []),
    "pong-twice": pong(lambda frame: [frame, frame]),
    "other-pong": pong(lambda frame: [frame.changed(payload=frame.payload + b"!")]),
    "empty-pong": pong(lambda frame: [frame.changed(payload=b"")]),
    "long-pong": pong(lambda frame: [frame.changed(payload=frame.payload.ljust(126))]),
    "pong-in-fragments": pong(lambda frame: [frame.changed(fin=False)]),
    "reserved-control-opcode": pong(lambda frame: [frame.changed(opcode=0xB)]),
    "ping-for-pong": pong(lambda frame: [frame.changed(opcode=PING)]),
    "no-close": close(lambda frame: []),
    "end-for-close": close(lambda frame: [END]),
    "reset-for-close": close(lambda frame: [RESET]),
    "close-empty": close(lambda frame: [frame.changed(payload=b"")]),
    "close-one-byte": close(lambda frame: [frame.changed(payload=b"x")]),
    "close-1001": close_code(1001),
    "close-1002": close_code(1002),
    "close-1005": close_code(1005),
    "close-1007": close_code(1007),
    "close-3000": close_code(3000),
    "close-5000": close_code(5000),
    "close-with-reason": close_code(1000, b"as you like"),
    "close-not-utf8": close_code(1000, b"\xff"),
    "close-fragment": close(lambda frame: [frame.changed(fin=False)]),
    "close-twice": close(lambda frame: [frame, frame]),
    "echo-behind-close": close(lambda frame: [frame, Frame(TEXT, b"late", masked=frame.masked)]),
    "pong-behind-close": close(lambda frame: [frame, Frame(PONG, b"late", masked=frame.masked)]),
    "other-mask": lambda frame: [frame.changed(masked=not frame.masked)],
}

# Each of these makes of what a transport does at its end what the suite sees.
ENDS = {"no-end": None, "reset-at-end": RESET}

# Each of these replaces something in the head that opens a connection.
RESPONSES = {
    "status-200": (b" 101 ", b" 200 "),
    "old-http": (b"HTTP/1.1", b"HTTP/1.0"),
    "no-upgrade": (b"\r\nUpgrade:", b"\r\nX-Upgrade:"),
    "no-connection": (b"\r\nConnection:", b"\r\nX-Connection:"),
    "no-accept": (b"\r\nSec-WebSocket-Accept:", b"\r\nX-Accept:"),
    "other-accept": (b"\r\nSec-WebSocket-Accept: ", b"\r\nSec-WebSocket-Accept: 0"),
    "two-accepts": (b"\r\n\r\n", b"\r\nSec-WebSocket-Accept: x\r\n\r\n"),
    "unasked-extension": (b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: x-none\r\n\r\n"),
    "unasked-protocol": (b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: x-none\r\n\r\n"),
}
REQUESTS = {
    "post": (b"GET ", b"POST "),
    "old-http": (b"HTTP/1.1", b"HTTP/1.0"),
    "no-upgrade": (b"\r\nUpgrade:", b"\r\nX-Upgrade:"),
    "no-connection": (b"\r\nConnection:", b"\r\nX-Connection:"),
    "no-host": (b"\r\nHost:", b"\r\nX-Host:"),
    "no-key": (b"\r\nSec-WebSocket-Key:", b"\r\nX-Key:"),
    "short-key": (b"\r\nSec-WebSocket-Key: ", b"\r\nSec-WebSocket-Key: A==\r\nX-Key: "),
    "no-version": (b"\r\nSec-WebSocket-Version:", b"\r\nX-Version:"),
    "other-version": (b"\r\nSec-WebSocket-Version: 13", b"\r\nSec-WebSocket-Version: 14"),
}


def defects(role):
    return [*FRAMES, *ENDS, *(RESPONSES if role == "server" else REQUESTS)]


class Relay:
    """One connection through the saboteur."""

    def __init__(self, defect, role, target):
        self.defect, self.role, self.target = defect, role, target
        self.broken = True

    async def run(self, dialled_reader, dialled_writer):
        reader, writer = await asyncio.open_connection(*self.target)
        for side in (dialled_writer, writer):
            side.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ours, suite = (reader, writer), (dialled_reader, dialled_writer)
        if self.role == "client":
            ours, suite = suite, ours
        self.suite = suite[1]
        self.held = asyncio.Event()
        broken = asyncio.create_task(self.break_what_comes(ours[0]))
        try:
            with contextlib.suppress(ConnectionError):
                await self.pass_on(suite[0], ours[1])
            self.held.set()
            await broken
        finally:
            broken.cancel()
            suite[1].close()
            ours[1].close()

    async def pass_on(self, reader, writer):
        """What the suite sends, as it is, and its end."""
        try:
            while bytes := await reader.read(1 << 16):
                writer.write(bytes)
                await writer.drain()
        except ConnectionError:
            reset(writer)
            return
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def break_what_comes(self, reader):
        end = END
        with contextlib.suppress(ConnectionError):
            try:
                end = await self.break_bytes(reader)
            except ConnectionError:
                end = RESET
            end = ENDS.get(self.defect, end) if self.broken else end
            if end is None:
                await self.held.wait()
            elif end == RESET:
                reset(self.suite)
            else:
                self.suite.close()

    async def break_bytes(self, reader):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as cut:
            self.suite.write(cut.partial)
            return END
        self.suite.write(self.break_head(head))
        decoder = Decoder()
        while bytes := await reader.read(1 << 16):
            if not self.broken or self.defect not in FRAMES:
                self.suite.write(bytes)
                await self.suite.drain()
                continue
            for frame in decoder.frames(bytes):
                for instead in FRAMES[self.defect](frame):
                    if instead in (END, RESET):
                        await self.suite.drain()
                        return instead
                    self.suite.write(instead.encode())
            await self.suite.drain()
        return END

    def break_head(self, head):
        if self.role == "server":
            return head.replace(*RESPONSES.get(self.defect, (b"", b"")), 1)
        self.broken = head.startswith(b"GET /runCase")
        host = b"%s:%d" % (self.target[0].encode(), self.target[1])
        lines = [b"Host: " + host if line.lower().startswith(b"host:") else line for line in head.split(b"\r\n")]
        head = b"\r\n".join(lines)
        return head.replace(*REQUESTS.get(self.defect, (b"", b"")), 1) if self.broken else head


def reset(writer):
    handle = writer.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def main(defect, role, listen, target):
    host, _, port = listen.rpartition(":")
    to, _, to_port = target.rpartition(":")

    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError):
            await Relay(defect, role, (to, int(to_port))).run(reader, writer)

    async with await asyncio.start_server(serve, host, int(port)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "--list":
        print("\n".join(defects(sys.argv[2])))
    else:
        asyncio.run(main(*sys.argv[1:]))
