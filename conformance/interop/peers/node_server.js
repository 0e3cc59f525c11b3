// Echo server on the Node library `ws`: node_server.js HOST:PORT.
// The path chooses what comes on top of the echo; README.md lists the paths.
'use strict';

const { once } = require('node:events');
const { WebSocketServer } = require('ws');

const FRAGMENT = 1000;

function echo(socket) {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

function echoInFragments(socket) {
  socket.on('message', (data, binary) => {
    // Cuts bytes, not characters: a code point may well begin in one fragment and end in the next.
    for (let at = 0; at < data.length; at += FRAGMENT) {
      socket.send(data.subarray(at, at + FRAGMENT), { binary, fin: false });
    }
    // An empty last fragment is legal, and a favourite of nobody's parser.
    socket.send(Buffer.alloc(0), { binary, fin: true });
  });
}

function pingThenEcho(socket) {
  socket.on('message', async (data, binary) => {
    const payload = data.subarray(0, 125);
    socket.ping(payload);
    const [answer] = await once(socket, 'pong');
    if (answer.equals(payload)) socket.send(data, { binary });
    else socket.close(4000, 'wrong pong');
  });
}

function closeAsTold(socket) {
  socket.once('message', (data) => {
    const [code, ...reason] = data.toString().split(' ');
    socket.close(Number(code), reason.join(' '));
  });
}

/** Tells after each echo how many bytes the message took on the wire, and how many the echo. */
function echoAndTellBytes(socket, { socket: stream }) {
  let read = stream.bytesRead;
  // A client waits for both answers before it goes on, so what was read since is one message.
  socket.on('message', (data, binary) => {
    const received = stream.bytesRead - read;
    read = stream.bytesRead;
    const written = stream.bytesWritten;
    socket.send(data, { binary }, () => socket.send(`${received} ${stream.bytesWritten - written}`));
  });
}

const behaviours = {
  '/close': closeAsTold,
  '/fragments': echoInFragments,
  '/bytes': echoAndTellBytes,
  '/ping': pingThenEcho,
};

const [host, port] = process.argv[2].split(':');
const server = new WebSocketServer({
  host,
  port: Number(port),
  // Unlike the client of this library, its server does not compress unless told to.
  perMessageDeflate: true,
  // Autobahn sends messages in more fragments than the limit that is the default.
  maxFragments: 0,
  handleProtocols: (offered) => (offered.has('echo.v1') ? 'echo.v1' : false),
});
server.on('connection', (socket, request) => {
  // An error is followed by a close, and the client under test is the one to report it.
  socket.on('error', (error) => console.error(error.message));
  (behaviours[request.url] ?? echo)(socket, request);
});
