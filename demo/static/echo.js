// Requests to `/echo`: every message comes back, in order, so each answer belongs to the oldest pending
// request. An idle link is probed once per second, which gives the page's latency figure.

const PROBE_EVERY = 1000;
const PROBE = new Uint8Array([0x70, 0x69, 0x6e, 0x67]);

export class Echo {
  /** Messages that are sent and not answered, oldest first: `{ payload, sentAt, answered }`. */
  #pending = [];
  #pendingBytes = 0;
  #latencies = [];
  #link;

  /** `onLatency` receives the median round trip of the last second in milliseconds, or null. */
  constructor(link, onLatency) {
    this.#link = link;
    link.addEventListener("message", ({ data }) => this.#answer(data, performance.now()));
    link.addEventListener("lost", () => {
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#latencies = [];
    });
    setInterval(() => {
      if (document.hidden) return;
      onLatency(this.#latencies.length > 0 ? percentile(this.#latencies.sort(ascending), 50) : null);
      this.#latencies = [];
      if (this.#pending.length === 0) this.ask(PROBE, () => {});
    }, PROBE_EVERY);
  }

  get pendingCount() {
    return this.#pending.length;
  }

  get pendingBytes() {
    return this.#pendingBytes;
  }

  /** Sends a string or bytes; `answered(milliseconds, intact)` is called when the answer arrives. */
  ask(payload, answered) {
    const sentAt = performance.now();
    if (!this.#link.send(payload)) return false;
    this.#pending.push({ payload, sentAt, answered });
    this.#pendingBytes += payload.length;
    return true;
  }

  #answer(data, now) {
    const question = this.#pending.shift();
    if (!question) return;
    this.#pendingBytes -= question.payload.length;
    const latency = now - question.sentAt;
    this.#latencies.push(latency);
    question.answered(latency, isSame(question.payload, data));
  }
}

export function ascending(a, b) {
  return a - b;
}

/** The percentile `percent` of sorted values. */
export function percentile(sorted, percent) {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)];
}

function isSame(payload, answer) {
  if (typeof payload === "string") return payload === answer;
  if (!(answer instanceof ArrayBuffer) || answer.byteLength !== payload.length) return false;
  const bytes = new Uint8Array(answer);
  return payload.every((byte, n) => byte === bytes[n]);
}
