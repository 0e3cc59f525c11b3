// Checks an echo server with the Node library `ws`: node_client.js URL.
// Prints a line per check, `ok NAME` or `FAIL NAME: why`; exit status 0 if all are ok.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const WebSocket = require('ws');

const url = process.argv[2];
const SIZES = [0, 125, 126, 65535, 65536, 1 << 20];
// Of messages whose bytes on the wire are counted. An odd number of them, so that each comes as text and
// as binary.
const COUNTED_SIZES = [0, 20, 126, 2500, 1 << 18];
// Without a context this library leaves shorter ones as they are.
const SURELY_COMPRESSED = 1024;
const MESSAGES = 100;
const PATIENCE = 120_000; // milliseconds for one check

/** Text of `size` bytes, not all of them ASCII, that differs from number to number. */
function text(size, number) {
  const bytes = Buffer.from(`${String(number).padStart(3, '0')} ` + 'grüße € 😀 '.repeat(size / 17 + 1));
  // Back to the last whole code point: continuation bytes begin with the bits 10.
  let whole = size;
  while ((bytes[whole] & 0xc0) === 0x80) whole -= 1;
  return bytes.toString('utf8', 0, whole) + '.'.repeat(size - whole);
}

function binary(size, number) {
  return Buffer.alloc(size + number, Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte))).subarray(number);
}

async function connect(protocols = [], options = {}) {
  const socket = new WebSocket(url, protocols, options);
  socket.on('upgrade', (response) => { socket.answer = response; });
  socket.gone = once(socket, 'close').then(([code]) => { throw new Error(`closed with ${code}`); });
  socket.gone.catch(() => {}); // A close is a failure only to a check that waits for something else.
  await next(socket, 'open');
  return socket;
}

/** The arguments of the next such event; rejects if the connection ends before it. */
function next(socket, event) {
  return Promise.race([once(socket, event), socket.gone]);
}

/** Closes and returns the code that the server answered with (1006 if it did not). */
async function close(socket, code, reason) {
  socket.close(code, reason);
  const [answer] = await once(socket, 'close');
  return answer;
}

async function expectEcho(socket, expected) {
  const [data, isBinary] = await next(socket, 'message');
  assert.strictEqual(isBinary, typeof expected !== 'string', 'kind of message');
  assert(Buffer.from(expected).equals(data), 'the echo differs');
}

async function subprotocol(offered, expected) {
  const socket = await connect(offered);
  assert.strictEqual(socket.protocol, expected);
  await close(socket);
}

async function messages(payload, size) {
  const socket = await connect();
  for (let number = 0; number < MESSAGES; number += 1) {
    const message = payload(size, number);
    socket.send(message);
    await expectEcho(socket, message);
  }
  await close(socket);
}

/** A hundred messages before the first echo is read. */
async function burst() {
  const socket = await connect();
  const echoes = [];
  const all = new Promise((resolve) => {
    socket.on('message', (data) => echoes.push(data.toString()) === MESSAGES && resolve());
  });
  const sent = Array.from({ length: MESSAGES }, (_, number) => text(126, number));
  for (const message of sent) socket.send(message);
  await Promise.race([all, socket.gone]);
  assert.deepStrictEqual(echoes, sent);
  await close(socket);
}

async function fragments(pieces, expected) {
  const socket = await connect();
  const isBinary = typeof expected !== 'string';
  for (let number = 0; number < MESSAGES; number += 1) {
    pieces.forEach((piece, index) => {
      socket.send(piece, { binary: isBinary, fin: index === pieces.length - 1 });
    });
    await expectEcho(socket, expected);
  }
  await close(socket);
}

/** Offers compression with these parameters, all of which the answer has to repeat. */
async function compressed(perMessageDeflate, ...parameters) {
  const socket = await connect([], { perMessageDeflate });
  const answer = socket.answer.headers['sec-websocket-extensions'] ?? '';
  for (const expected of ['permessage-deflate', ...parameters]) {
    assert(answer.includes(expected), `the answer is '${answer}'`);
  }
  for await (const [size, bytes] of exchanges(socket)) {
    const short = size < SURELY_COMPRESSED || Math.max(...bytes) * 2 <= size;
    assert(short, `${size} bytes took ${bytes} on the wire`);
  }
  await close(socket);
}

async function uncompressed() {
  const socket = await connect([], { perMessageDeflate: false });
  assert.strictEqual(socket.answer.headers['sec-websocket-extensions'], undefined);
  for await (const [size, bytes] of exchanges(socket)) {
    assert(Math.min(...bytes) > size, `${size} bytes took ${bytes} on the wire`);
  }
  await close(socket);
}

/** Sends messages and expects their echoes. Yields what they and their echoes took on the wire. */
async function* exchanges(socket) {
  const stream = socket.answer.socket;
  for (let number = 0; number < MESSAGES; number += 1) {
    const size = COUNTED_SIZES[number % COUNTED_SIZES.length];
    const payload = text(size, number);
    const message = number % 2 === 0 ? payload : Buffer.from(payload);
    const [read, written] = [stream.bytesRead, stream.bytesWritten];
    socket.send(message);
    await expectEcho(socket, message);
    yield [size, [stream.bytesWritten - written, stream.bytesRead - read]];
  }
}

async function ping(payload) {
  const socket = await connect();
  for (let number = 0; number < MESSAGES; number += 1) {
    socket.ping(payload);
    const [answer] = await next(socket, 'pong');
    assert(answer.equals(payload), 'the pong differs');
  }
  await close(socket);
}

async function pingBetweenFragments() {
  const socket = await connect();
  socket.send('before ', { fin: false });
  socket.ping('between');
  await next(socket, 'pong');
  socket.send('after', { fin: true });
  await expectEcho(socket, 'before after');
  await close(socket);
}

async function closing(code, reason, expected) {
  assert.strictEqual(await close(await connect(), code, reason), expected);
}

/** Bytes that are not UTF-8, called text: the server has to be the one that closes. */
async function invalidText() {
  const socket = await connect();
  socket.send(Buffer.from([0xc3, 0x28]), { binary: false });
  const [code] = await once(socket, 'close');
  assert.strictEqual(code, 1007);
}

function* checks() {
  yield ['subprotocol-chosen', () => subprotocol(['other', 'echo.v1'], 'echo.v1')];
  yield ['subprotocol-unknown', unknownSubprotocol];
  yield ['subprotocol-none', () => subprotocol([], '')];
  for (const size of SIZES) {
    yield [`text-${size}`, () => messages(text, size)];
    yield [`binary-${size}`, () => messages(binary, size)];
  }
  yield ['burst', burst];
  yield ['fragments-text', () => fragments(['first ', '', 'zweite ü', ' third'], 'first zweite ü third')];
  yield ['fragments-binary', () => fragments(
    [Buffer.alloc(65536), Buffer.from([1]), Buffer.alloc(0)],
    Buffer.concat([Buffer.alloc(65536), Buffer.from([1])]),
  )];
  yield ['fragments-inside-a-code-point', () => fragments([Buffer.from([0xe2, 0x82]), Buffer.from([0xac])], '€')];
  yield ['ping-empty', () => ping(Buffer.alloc(0))];
  yield ['ping-125', () => ping(binary(125, 0))];
  yield ['ping-between-fragments', pingBetweenFragments];
  yield ['uncompressed', uncompressed];
  yield ['compressed', () => compressed(true)];
  yield ['compressed-no-server-takeover', () => compressed(
    { serverNoContextTakeover: true },
    'server_no_context_takeover',
  )];
  yield ['compressed-no-client-takeover', () => compressed(
    { clientNoContextTakeover: true },
    'client_no_context_takeover',
  )];
  yield ['compressed-no-takeover', () => compressed(
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    'server_no_context_takeover',
    'client_no_context_takeover',
  )];
  // This library cannot compress for a smaller window than 9 bits.
  yield ['compressed-small-windows', () => compressed(
    { serverMaxWindowBits: 8, clientMaxWindowBits: 9 },
    'server_max_window_bits=8',
    'client_max_window_bits=9',
  )];
  yield ['close-1000', () => closing(1000, '', 1000)];
  yield ['close-3000-with-reason', () => closing(3000, 'genug für heute', 3000)];
  yield ['close-4999-with-longest-reason', () => closing(4999, 'r'.repeat(123), 4999)];
  // What browsers do: a close frame without a code, which the API of the receiver calls 1005.
  yield ['close-without-code', () => closing(undefined, undefined, 1005)];
  yield ['closed-by-server-1007', invalidText];
}

/** `ws` itself fails a handshake in which the server chose none of the subprotocols offered. */
async function unknownSubprotocol() {
  const socket = new WebSocket(url, ['other']);
  const [error] = await once(socket, 'error');
  assert.strictEqual(error.message, 'Server sent no subprotocol');
}

async function main() {
  let failed = false;
  for (const [name, check] of checks()) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer')), PATIENCE);
    });
    try {
      await Promise.race([check(), late]);
      console.log(`ok ${name}`);
    } catch (error) {
      failed = true;
      console.log(`FAIL ${name}: ${error.message}`);
    }
    clearTimeout(timer);
  }
  process.exit(failed ? 1 : 0);
}

main();
