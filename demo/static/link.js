// A WebSocket that reconnects. It knows its phase, how the last connection closed, and when the next
// attempt is due. The wait grows with every failure and has jitter, so that not all pages reconnect to
// a restarted server at once.

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const CONNECT_LIMIT = 10_000;
// A connection that lasted this long counts as a success; a shorter one increases the wait.
const STEADY_AFTER = 5_000;

/** The names of the close codes that a page can see (RFC 6455, 7.4.1, and the IANA registry). */
const CLOSE_NAMES = new Map([
  [1000, "normal closure"],
  [1001, "going away"],
  [1002, "protocol error"],
  [1003, "unsupported data"],
  [1005, "no code given"],
  [1006, "connection lost"],
  [1007, "invalid payload"],
  [1008, "policy violation"],
  [1009, "message too big"],
  [1010, "extension missing"],
  [1011, "internal error"],
  [1012, "service restart"],
  [1013, "try again later"],
  [1014, "bad gateway"],
  [1015, "TLS failure"],
]);

/** Names a close code: `1001` is "1001 going away". */
export function closeName(code) {
  return `${code} ${CLOSE_NAMES.get(code) ?? (code >= 4000 ? "private code" : "registered code")}`;
}

/**
 * A connection to one endpoint of the server, kept open between `start` and `stop`.
 *
 * Events: `phase` (a property below changed), `open`, `message` (with `data`), `lost` (an open
 * connection ended), `silent` (abandoned because no message arrived for `silenceLimit` seconds).
 */
export class Link extends EventTarget {
  /** "stopped", "connecting", "open", "closing", or "waiting" for the next attempt. */
  phase = "stopped";
  /** The end of the last connection that had been open: `{ code, reason, at }`, or null. */
  lastClose = null;
  /** The time of the next attempt, in milliseconds of `performance.now()`. */
  retryAt = 0;

  #path;
  #silenceLimit;
  #compression = true;
  #socket = null;
  #wanted = false;
  #failures = 0;
  #openedAt = 0;
  #timer = 0;
  #silence = 0;
  #watch = 0;

  /** `silenceLimit` is in seconds, and only for an endpoint that sends messages regularly. */
  constructor(path, { silenceLimit = Infinity } = {}) {
    super();
    this.#path = path;
    this.#silenceLimit = silenceLimit;
  }

  get isOpen() {
    return this.phase === "open";
  }

  /** True while reconnecting after a lost connection: waiting or connecting. */
  get isRetrying() {
    return this.#failures > 0 && (this.phase === "waiting" || this.phase === "connecting");
  }

  /** The extensions that the server agreed to; empty if none. */
  get extensions() {
    return this.#socket?.extensions ?? "";
  }

  /** Enables or disables compression. This takes effect with the next connection, so it reconnects at once. */
  set compression(isWanted) {
    this.#compression = isWanted;
    if (this.phase !== "open" && this.phase !== "connecting") return;
    this.stop();
    this.start();
  }

  start() {
    this.#wanted = true;
    if (this.phase === "stopped" || this.phase === "waiting") this.#connect();
  }

  /** Connects at once instead of waiting for the next attempt. */
  hurry() {
    if (this.phase === "waiting") this.#connect();
  }

  /** Closes with 1000 and stays closed. */
  stop() {
    this.#wanted = false;
    this.#failures = 0;
    clearTimeout(this.#timer);
    if (this.phase === "open" || this.phase === "connecting") {
      this.#enter("closing");
      this.#socket.close(1000);
      // The server may be unreachable; the browser alone would wait for minutes.
      this.#timer = setTimeout(() => this.abandon("no answer to the Close frame"), CONNECT_LIMIT);
    } else if (this.phase === "waiting") {
      this.#enter("stopped");
    }
  }

  /** Sends text, an `ArrayBuffer` or a view; returns false if the connection is not open. */
  send(data) {
    if (!this.isOpen) return false;
    this.#socket.send(data);
    return true;
  }

  /** Abandons the current connection without waiting for its closing handshake. */
  abandon(reason) {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#ended(1006, reason);
  }

  #connect() {
    clearTimeout(this.#timer);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    // A page cannot choose which extensions the browser offers, so it asks the server to decline
    // compression.
    const query = this.#compression ? "" : "?compression=off";
    const socket = new WebSocket(`${scheme}://${location.host}${this.#path}${query}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => {
      this.#silence = 0;
      this.dispatchEvent(new MessageEvent("message", { data }));
    };
    socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.abandon("no answer"), CONNECT_LIMIT);
    this.#enter("connecting");
  }

  #opened() {
    clearTimeout(this.#timer);
    this.#openedAt = performance.now();
    this.#silence = 0;
    this.#enter("open");
    this.dispatchEvent(new Event("open"));
    if (this.#silenceLimit === Infinity) return;
    // Counts ticks instead of reading the clock: a page that slept for an hour has not observed an hour
    // of silence.
    this.#watch = setInterval(() => {
      this.#silence += 1;
      if (this.#silence < this.#silenceLimit) return;
      this.abandon("no message from the server");
      this.dispatchEvent(new Event("silent"));
    }, 1000);
  }

  #ended(code, reason) {
    const wasOpen = this.#openedAt > 0;
    const wasClosed = this.phase === "closing";
    const lived = performance.now() - this.#openedAt;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#socket = null;
    this.#openedAt = 0;
    if (wasOpen) {
      // A failed attempt does not overwrite this: the reason why the open connection ended is more
      // useful.
      this.lastClose = { code, reason, at: performance.now() };
      if (lived > STEADY_AFTER) this.#failures = 0;
    }
    if (this.#wanted && wasClosed) {
      // Closed by this page, and started again before the closing handshake was complete.
      this.#connect();
    } else if (this.#wanted) {
      const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures) * (0.5 + Math.random() / 2);
      this.#failures += 1;
      this.retryAt = performance.now() + delay;
      this.#timer = setTimeout(() => this.#connect(), delay);
      this.#enter("waiting");
    } else {
      this.#enter("stopped");
    }
    if (wasOpen) this.dispatchEvent(new Event("lost"));
  }

  #enter(phase) {
    this.phase = phase;
    this.dispatchEvent(new Event("phase"));
  }
}
