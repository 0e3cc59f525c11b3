// The echo bench: reads the form, sends a run of messages and shows their round-trip times.

import { Echo, ascending, percentile } from "./echo.js";
import { Sparkline } from "./sparkline.js";
import * as units from "./units.js";

// A paced run keeps at most this many bytes and messages in flight; the former is also the server's default limit.
const LARGEST = 64 * 1024 * 1024;
const MOST_PENDING = 1024;
const PACE_TICK = 10;
const SHOW_EVERY = 100;
// Percentiles cover this many of the latest answers: sorting them takes about a millisecond.
const KEPT = 10_000;
const BARS = 120;
const WORDS = "Calm seas never made a skilled sailor, said the lighthouse to the passing ship. ";

const element = (id) => document.getElementById(id);

/** Runs the bench over `link`; `onLatency` receives the current latency in milliseconds. */
export function startBench(link, onLatency) {
  const echo = new Echo(link, onLatency);
  const form = element("echo");
  const button = element("echo-run");
  const spark = new Sparkline(element("echo-spark"));
  let run = null;

  link.addEventListener("phase", () => {
    button.disabled = !link.isOpen;
  });
  link.addEventListener("lost", () => end("Stopped: the connection was lost."));
  form.addEventListener("input", () => {
    element("echo-size").setCustomValidity("");
    showPayloadField(form);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (run) {
      end("Stopped.");
      return;
    }
    const payload = makePayload(form);
    if (payload !== null && form.reportValidity()) begin(payload);
  });
  // A browser may restore the form from an earlier visit.
  showPayloadField(form);

  function begin(payload) {
    const rate = element("echo-rate").valueAsNumber;
    run = {
      payload,
      rate,
      count: element("echo-count").valueAsNumber,
      sent: 0,
      answers: 0,
      altered: 0,
      slowest: 0,
      latencies: [],
      startedAt: performance.now(),
      endedAt: 0,
    };
    run.timers = [setInterval(() => show(run), SHOW_EVERY)];
    button.textContent = "Stop";
    element("echo-outcome").textContent = "Running…";
    if (rate > 0) run.timers.push(setInterval(() => pace(run), PACE_TICK));
    else sendNext(run);
  }

  function sendNext(current) {
    current.sent += 1;
    echo.ask(current.payload, (latency, intact) => {
      if (run !== current) return;
      current.answers += 1;
      current.altered += intact ? 0 : 1;
      current.slowest = Math.max(current.slowest, latency);
      if (current.latencies.length < KEPT) current.latencies.push(latency);
      else current.latencies[current.answers % KEPT] = latency;
      if (current.answers === current.count) end(current.altered === 0 ? "Done." : "Done, with altered answers.");
      else if (current.rate === 0) sendNext(current);
    });
  }

  /** Sends the messages that are due. If the server falls behind, the run slows down instead of queueing more. */
  function pace(current) {
    const due = Math.min(current.count, 1 + Math.floor(((performance.now() - current.startedAt) * current.rate) / 1000));
    while (
      current.sent < due &&
      echo.pendingCount < MOST_PENDING &&
      (echo.pendingCount === 0 || echo.pendingBytes + current.payload.length <= LARGEST)
    ) {
      sendNext(current);
    }
  }

  function end(outcome) {
    if (!run) return;
    run.timers.forEach(clearInterval);
    run.endedAt = performance.now();
    show(run);
    run = null;
    button.textContent = "Run";
    element("echo-outcome").textContent = outcome;
  }

  function show(current) {
    const { answers, count, latencies, payload } = current;
    element("echo-progress").value = answers / count;
    element("echo-answers").textContent = units.count(answers);
    element("echo-altered").textContent = units.count(current.altered);
    if (answers === 0) return;
    const sorted = Float64Array.from(latencies).sort(ascending);
    element("echo-p50").textContent = units.milliseconds(percentile(sorted, 50));
    element("echo-p99").textContent = units.milliseconds(percentile(sorted, 99));
    element("echo-slowest").textContent = units.milliseconds(current.slowest);
    const seconds = ((current.endedAt || performance.now()) - current.startedAt) / 1000;
    element("echo-throughput").textContent = `${units.bytes((answers * payload.length) / seconds)}/s`;
    spark.show(peaks(inOrder(latencies, answers)));
  }
}

function showPayloadField(form) {
  const bySize = form.elements.payload.value === "size";
  element("echo-size-field").hidden = !bySize;
  element("echo-own-field").hidden = bySize;
  // An invalid value in a hidden field must not block the form.
  element("echo-size").disabled = !bySize;
  element("echo-own").disabled = bySize;
}

/** The payload chosen in the form, as a string or bytes. If it is too big, marks the field and returns null. */
function makePayload(form) {
  const isText = form.elements.kind.value === "text";
  if (form.elements.payload.value === "own") {
    // Lone surrogates would be replaced when sent, and the answers would look altered.
    const own = element("echo-own").value.toWellFormed();
    return isText ? own : new TextEncoder().encode(own);
  }
  const field = element("echo-size");
  const size = Math.round(field.valueAsNumber * Number(element("echo-unit").value));
  if (size > LARGEST) field.setCustomValidity(`At most ${units.bytes(LARGEST)}`);
  if (!form.reportValidity()) return null;
  if (isText) return WORDS.repeat(Math.ceil(size / WORDS.length)).slice(0, size);
  const payload = new Uint8Array(size);
  // `getRandomValues` returns at most 64 KiB per call.
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(payload.subarray(at, at + 65_536));
  return payload;
}

/** The stored latencies from oldest to newest; beyond `KEPT` they are stored in a ring. */
function inOrder(latencies, answers) {
  if (answers <= KEPT) return latencies;
  const oldest = (answers + 1) % KEPT;
  return [...latencies.slice(oldest), ...latencies.slice(0, oldest)];
}

/** At most `BARS` values, each the maximum of its slice, so that every outlier is visible. */
function peaks(values) {
  if (values.length <= BARS) return values;
  return Array.from({ length: BARS }, (_, n) => {
    const share = values.slice((n * values.length) / BARS, ((n + 1) * values.length) / BARS);
    return Math.max(...share);
  });
}
