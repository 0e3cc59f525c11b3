// The strip of live figures: the reports of `/stats`, and the latency that the page measures.

import { Sparkline } from "./sparkline.js";
import * as units from "./units.js";

const element = (id) => document.getElementById(id);

/** Shows the reports that arrive on `link`; returns a function that shows a measured latency. */
export function showFigures(link) {
  const strip = element("figures");
  const sparks = {
    connections: new Sparkline(element("connections-spark")),
    messages: new Sparkline(element("messages-spark"), { series: 2 }),
    bytes: new Sparkline(element("bytes-spark"), { series: 2 }),
    latency: new Sparkline(element("latency-spark")),
    compression: new Sparkline(element("compression-spark")),
  };

  link.addEventListener("phase", () => {
    strip.classList.toggle("stale", !link.isOpen);
  });
  link.addEventListener("lost", () => {
    // A gap in the lines shows missing values.
    sparks.connections.push(null);
    sparks.messages.push(null, null);
    sparks.bytes.push(null, null);
  });
  link.addEventListener("message", ({ data }) => {
    const stats = parse(data);
    if (!stats) return;
    show("connections", units.count(stats.connections));
    show("connections-total", units.count(stats.connections_total));
    showPair("messages", stats.messages_in_per_second, stats.messages_out_per_second, units.count);
    showPair("bytes", stats.bytes_in_per_second, stats.bytes_out_per_second, units.bytes);
    sparks.connections.push(stats.connections);
    sparks.messages.push(stats.messages_in_per_second, stats.messages_out_per_second);
    sparks.bytes.push(stats.bytes_in_per_second, stats.bytes_out_per_second);

    show("driver", String(stats.driver).slice(0, 32));
    show("uptime", units.span(stats.uptime_seconds));
    const hasMemory = isAmount(stats.memory_bytes);
    element("memory-item").hidden = !hasMemory;
    if (hasMemory) show("memory", units.bytes(stats.memory_bytes));

    const hasRatio = isAmount(stats.compression_ratio);
    element("compression-card").hidden = !hasRatio;
    if (hasRatio) {
      show("compression", units.percent(stats.compression_ratio));
      sparks.compression.push(stats.compression_ratio);
    }
  });

  return (latency) => {
    show("latency", latency === null ? "–" : units.milliseconds(latency));
    sparks.latency.push(latency);
  };

  function showPair(name, inward, outward, format) {
    show(name, format(inward + outward));
    show(`${name}-in`, format(inward));
    show(`${name}-out`, format(outward));
  }
}

function show(id, text) {
  element(id).textContent = text;
}

function isAmount(value) {
  return typeof value === "number" && value >= 0;
}

/** The figures in a message, or null if a mandatory one is missing. */
function parse(data) {
  let stats;
  try {
    stats = JSON.parse(data);
  } catch {
    return null;
  }
  const always = [
    "connections", "connections_total", "uptime_seconds", "messages_in_per_second",
    "messages_out_per_second", "bytes_in_per_second", "bytes_out_per_second",
  ];
  return always.every((name) => isAmount(stats?.[name])) ? stats : null;
}
