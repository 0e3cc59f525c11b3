"""Looks at the messages of a connection of `websockets` as they are on the wire."""

from websockets.extensions import Extension
from websockets.frames import Opcode


class Observer(Extension):
    """Stands between the compression and the wire: the last to encode and the first to decode."""

    name = "observer"

    def __init__(self):
        # Bytes of payload of the latest message each way.
        self.received = self.sent = 0

    @classmethod
    def of(cls, connection):
        """Begins to observe a connection that is open."""
        observer = cls()
        connection.protocol.extensions.append(observer)
        return observer

    def encode(self, frame):
        self.sent = self._count(self.sent, frame)
        return frame

    def decode(self, frame, *, max_size=None):
        self.received = self._count(self.received, frame)
        return frame

    @staticmethod
    def _count(bytes, frame):
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                return len(frame.data)
            case Opcode.CONT:
                return bytes + len(frame.data)
        return bytes
