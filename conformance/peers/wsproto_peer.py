"""Echo server and client on the Python library `wsproto`.

wsproto_peer.py server HOST:PORT, or wsproto_peer.py client URL --agent NAME for a fuzzing server.
"""

import contextlib
import socket
import sys
import threading
import urllib.parse

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import ProtocolError, RemoteProtocolError


def converse(stream, connection, texts=None):
    """Echoes until the connection ends, or only collects what comes."""
    pieces = []
    with stream:
        while bytes := stream.recv(1 << 16):
            try:
                connection.receive_data(bytes)
                # What came behind the opening handshake makes events only once that is answered.
                handled = None
                while handled != 0:
                    handled = 0
                    # One by one: once the event of a Close frame was made, nothing can be sent any more.
                    for event in connection.events():
                        handled += 1
                        if not handle(event, stream, connection, pieces, texts):
                            return
            except RemoteProtocolError as error:
                answer = error.event_hint
                refusal = isinstance(answer, RejectConnection) and not connection.client
                if refusal or isinstance(answer, CloseConnection):
                    stream.sendall(connection.send(answer))
                return


def handle(event, stream, connection, pieces, texts):
    """Does what an event asks for; returns whether the connection goes on."""
    if isinstance(event, Request):
        accept = AcceptConnection(extensions=[PerMessageDeflate()])
        stream.sendall(connection.send(accept))
    elif isinstance(event, (Ping, CloseConnection)):
        stream.sendall(connection.send(event.response()))
        return not isinstance(event, CloseConnection)
    elif isinstance(event, (TextMessage, BytesMessage)):
        pieces.append(event.data)
        if event.message_finished:
            whole = type(event.data)().join(pieces)
            pieces.clear()
            if texts is None:
                stream.sendall(connection.send(type(event)(data=whole)))
            else:
                texts.append(whole)
    return True


def serve(address):
    host, _, port = address.rpartition(":")
    with socket.create_server((host, int(port))) as listener:
        while True:
            stream, _ = listener.accept()
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=quietly, args=(stream,), daemon=True).start()


def quietly(stream):
    # However a connection ends, the next one is served.
    with contextlib.suppress(OSError, ProtocolError):
        converse(stream, WSConnection(ConnectionType.SERVER))


def dial(url, texts=None):
    url = urllib.parse.urlsplit(url)
    connection = WSConnection(ConnectionType.CLIENT)
    stream = socket.create_connection((url.hostname, url.port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = Request(
        host=url.netloc, target=f"{url.path}?{url.query}", extensions=[PerMessageDeflate()]
    )
    stream.sendall(connection.send(request))
    converse(stream, connection, texts)


def walk(url, agent):
    texts = []
    dial(f"{url}/getCaseCount", texts)
    for case in range(1, int(texts[0]) + 1):
        # A server that is refused is a verdict, too, however it is refused.
        with contextlib.suppress(Exception):
            dial(f"{url}/runCase?case={case}&agent={agent}")
    dial(f"{url}/updateReports?agent={agent}", texts)


if sys.argv[1] == "server":
    serve(sys.argv[2])
else:
    walk(sys.argv[2], sys.argv[4])
