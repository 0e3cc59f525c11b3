// The page: three links to the server, the panels that use them, and the state shown at the top.

import { startBench } from "./bench.js";
import { startChat } from "./chat.js";
import { showFigures } from "./figures.js";
import { Link, closeName } from "./link.js";

const links = {
  chat: new Link("/chat"),
  echo: new Link("/echo"),
  // This endpoint sends a message every second, so ten seconds of silence mean that the network is
  // gone.
  stats: new Link("/stats", { silenceLimit: 10 }),
};
const all = Object.values(links);
const element = (id) => document.getElementById(id);

startChat(links.chat);
startBench(links.echo, showFigures(links.stats));

for (const link of all) link.addEventListener("phase", showState);
// The other two links cannot detect that themselves.
links.stats.addEventListener("silent", () => all.forEach((link) => link.abandon("no message from the server")));
addEventListener("online", () => all.forEach((link) => link.hurry()));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) all.forEach((link) => link.hurry());
});
element("toggle").addEventListener("click", () => {
  const action = element("toggle").dataset.action;
  for (const link of all) {
    if (action === "connect") {
      link.start();
      link.hurry();
    } else {
      link.stop();
    }
  }
});
// A browser may restore the checkbox from an earlier visit.
setCompression();
element("compress").addEventListener("change", setCompression);
// Counts down the seconds until the next attempt.
setInterval(() => {
  if (all.some((link) => link.phase === "waiting")) showState();
}, 250);

for (const link of all) link.start();

function setCompression() {
  for (const link of all) link.compression = element("compress").checked;
}

function showState() {
  showBadge("chat-state", links.chat);
  showBadge("echo-state", links.echo);

  const open = all.filter((link) => link.isOpen).length;
  const isRetrying = all.some((link) => link.isRetrying);
  const phase = isRetrying
    ? "waiting"
    : (["connecting", "closing", "stopped"].find((each) => all.some((link) => link.phase === each)) ?? "open");
  element("status").dataset.phase = phase;
  // Screen readers announce changes of this element, so it shows no countdown.
  const words = {
    open: "Connected",
    connecting: "Connecting…",
    waiting: "Reconnecting…",
    closing: "Disconnecting…",
    stopped: "Disconnected",
  }[phase];
  if (element("status-text").textContent !== words) element("status-text").textContent = words;

  const last = all
    .filter((link) => !link.isOpen && link.lastClose)
    .map((link) => link.lastClose)
    .sort((a, b) => b.at - a.at)[0];
  const more = element("status-more");
  if (last) {
    more.textContent = last.reason ? `${closeName(last.code)}: ${last.reason}` : closeName(last.code);
    more.dataset.code = last.code;
  } else {
    more.textContent = `${open} of ${all.length} connections open`;
    delete more.dataset.code;
  }
  more.title = more.textContent;

  const toggle = element("toggle");
  const isUp = phase === "open" || phase === "connecting";
  toggle.dataset.action = isUp ? "disconnect" : "connect";
  toggle.textContent = isUp ? "Disconnect" : isRetrying ? "Retry now" : "Connect";
}

/** Shows the state of one link in the head of its panel. */
function showBadge(id, link) {
  const badge = element(id);
  badge.dataset.phase = link.phase;
  const code = link.lastClose ? `${closeName(link.lastClose.code)} · ` : "";
  const seconds = Math.max(1, Math.ceil((link.retryAt - performance.now()) / 1000));
  badge.textContent = {
    open: link.extensions ? `open · ${link.extensions.split(";")[0]}` : "open",
    connecting: link.isRetrying ? `${code}retrying…` : "connecting…",
    waiting: `${code}retry in ${seconds} s`,
    closing: "closing…",
    stopped: link.lastClose ? closeName(link.lastClose.code) : "closed",
  }[link.phase];
}
