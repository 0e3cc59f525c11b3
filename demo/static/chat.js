// The chat room: joining, the conversation, the list of people online. Text from other people is
// inserted as text nodes only, never as markup.

const NAME_LIMIT = 32;
const TEXT_LIMIT = 2000;
// Maximum number of lines on the page; older lines are removed at the top.
const LINE_LIMIT = 500;
// Lines of one person within this time share one byline.
const GROUP_WITHIN = 5 * 60 * 1000;
// At or below this number of remaining characters, the page shows the number.
const SHOW_LEFT = 200;

const REASONS = new Map([
  ["bad_name", "That name cannot be used: 1 to 32 characters, none of them invisible."],
  ["bad_text", "That message cannot be sent: 1 to 2,000 characters."],
  ["bad_message", "The server did not understand the message."],
  ["already_joined", "You have joined already."],
  ["not_joined", "Join before you write."],
  ["room_full", "The room is full. Try again later."],
]);

const element = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "medium" });

/** Runs the chat room over `link`. */
export function startChat(link) {
  const log = element("chat-log");
  const lines = element("chat-lines");
  const text = element("say-text");
  /** The requested name, kept so that a new connection joins again automatically. */
  let asked = null;
  /** True if the user pressed Join and there is no answer yet. */
  let awaited = false;
  /** The assigned name, or null while not in the room. */
  let you = null;
  /** The newest lines, so that the history of a second welcome adds only the lines that were missed. */
  let seen = [];
  let unread = 0;
  /** True while the log follows its end; false after the user scrolls up. */
  let following = true;

  const savedName = recallName();
  if (savedName) element("join-name").value = savedName;

  link.addEventListener("phase", showPhase);
  link.addEventListener("open", () => {
    if (asked) link.send(JSON.stringify({ type: "join", name: asked }));
  });
  link.addEventListener("lost", () => {
    if (you) addNote("You are offline");
    you = null;
    showPhase();
  });
  link.addEventListener("message", ({ data }) => {
    const message = parse(data);
    if (message) take(message);
  });

  element("join").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = element("join-name").value.toWellFormed().trim();
    if (!name) return;
    asked = name;
    awaited = true;
    element("join-error").textContent = "";
    link.send(JSON.stringify({ type: "join", name }));
    showPhase();
  });
  element("say").addEventListener("submit", (event) => {
    event.preventDefault();
    say();
  });
  text.addEventListener("keydown", (event) => {
    // While an input method composes, Enter selects a candidate.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    say();
  });
  text.addEventListener("input", showLeft);
  log.addEventListener("scroll", () => {
    following = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    if (following) element("chat-newest").hidden = true;
  });
  new ResizeObserver(() => following && toEnd()).observe(log);
  element("chat-newest").addEventListener("click", () => {
    toEnd();
    text.focus();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    unread = 0;
    showUnread();
  });

  function say() {
    const words = text.value.toWellFormed();
    if (!you || !words.trim() || [...words].length > TEXT_LIMIT) return;
    if (!link.send(JSON.stringify({ type: "say", text: words }))) return;
    text.value = "";
    element("say-error").textContent = "";
    showLeft();
    toEnd();
  }

  function take(message) {
    switch (message.type) {
      case "welcome": {
        const first = seen.length === 0;
        // After a reconnect the focus does not move.
        const isJoining = awaited;
        awaited = false;
        you = message.you;
        rememberName(asked);
        showPeople(message.online);
        // Screen readers should not read out the whole history.
        log.setAttribute("aria-live", "off");
        message.history.filter((line) => !seen.includes(key(line))).forEach(addLine);
        requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
        addNote(first ? `You joined as ${you}` : `You are back as ${you}`);
        showPhase();
        toEnd();
        if (isJoining) text.focus({ preventScroll: true });
        break;
      }
      case "joined":
        showPeople(message.online);
        addNote(`${message.name} joined`);
        break;
      case "left":
        showPeople(message.online);
        addNote(`${message.name} left`);
        break;
      case "said":
        addLine(message);
        if (document.hidden) {
          unread += 1;
          showUnread();
        }
        break;
      case "error": {
        const reason = REASONS.get(message.reason) ?? `The server said: ${message.reason}`;
        element(you ? "say-error" : "join-error").textContent = reason;
        if (!you) asked = null;
        showPhase();
        break;
      }
    }
  }

  function addLine({ name, text: words, at }) {
    seen.push(key({ name, text: words, at }));
    seen = seen.slice(-LINE_LIMIT);
    const previous = lines.lastElementChild;
    const item = make("li", "line");
    item.dataset.testid = "chat-line";
    item.dataset.author = name;
    item.dataset.at = at;
    const isGrouped = previous?.dataset.author === name && at - Number(previous.dataset.at) < GROUP_WITHIN;
    item.classList.toggle("grouped", isGrouped);
    item.classList.toggle("own", name === you);

    const byline = make("p", "byline");
    const time = make("time", "", clock.format(at));
    time.dateTime = new Date(at).toISOString();
    time.title = moment.format(at);
    byline.append(make("bdi", "author", name), " ", time);
    const bubble = make("div", "bubble");
    const said = make("p", "said", words);
    bubble.append(byline, said);
    item.append(avatar(name), bubble);
    append(item);
  }

  function addNote(words) {
    const item = make("li", "note");
    item.dataset.testid = "chat-note";
    item.append(make("bdi", "", words));
    append(item);
  }

  function append(item) {
    lines.append(item);
    while (lines.childElementCount > LINE_LIMIT) lines.firstElementChild.remove();
    element("chat-empty").hidden = true;
    if (following) toEnd();
    else if (item.classList.contains("line")) element("chat-newest").hidden = false;
  }

  function showPeople(online) {
    element("people-count").textContent = online.length;
    element("people").replaceChildren(
      ...online.map((name) => {
        const item = make("li", "person");
        item.dataset.testid = "chat-person";
        item.append(avatar(name), make("bdi", "", name));
        if (name === you) item.append(make("span", "you", "you"));
        return item;
      }),
    );
  }

  function showPhase() {
    const inRoom = you !== null;
    element("join").hidden = asked !== null;
    element("join-button").disabled = !link.isOpen;
    element("say-button").disabled = !inRoom;
    text.disabled = !inRoom;
    if (inRoom) text.placeholder = "Write a message";
    else if (asked) text.placeholder = link.isOpen ? "Joining…" : "Reconnecting…";
    else text.placeholder = "Join to write a message";
    element("people").classList.toggle("stale", !inRoom);
  }

  function showLeft() {
    const left = TEXT_LIMIT - [...text.value].length;
    element("say-left").textContent = left <= SHOW_LEFT ? `${left} left` : "";
  }

  function toEnd() {
    following = true;
    log.scrollTop = log.scrollHeight;
    element("chat-newest").hidden = true;
  }

  function showUnread() {
    document.title = unread > 0 ? `(${unread}) WebSocket demo` : "WebSocket demo";
  }
}

function make(tag, className, words = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = words;
  return node;
}

/** A disc with an initial. The name determines the hue, so a person's colour stays the same. */
function avatar(name) {
  const node = make("span", "avatar", [...name][0]?.toUpperCase() ?? "?");
  node.setAttribute("aria-hidden", "true");
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  node.style.setProperty("--hue", hue);
  return node;
}

function key({ name, text, at }) {
  return JSON.stringify([at, name, text]);
}

/** A message from the server with its fields checked and truncated, or null if it is invalid. */
function parse(data) {
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return null;
  }
  const isNames = (value) => Array.isArray(value) && value.every((name) => typeof name === "string");
  const cut = (value, limit) => [...value.slice(0, 2 * limit)].slice(0, limit).join("");
  const line = ({ name, text, at }) => ({ name: cut(name, NAME_LIMIT), text: cut(text, TEXT_LIMIT), at });
  const isLine = (value) =>
    typeof value?.name === "string" && typeof value.text === "string" && Number.isSafeInteger(value.at);
  switch (message?.type) {
    case "welcome":
      if (typeof message.you !== "string" || !isNames(message.online) || !Array.isArray(message.history)) return null;
      return { ...message, history: message.history.filter(isLine).slice(-LINE_LIMIT).map(line) };
    case "joined":
    case "left":
      return typeof message.name === "string" && isNames(message.online) ? message : null;
    case "said":
      return isLine(message) ? { type: "said", ...line(message) } : null;
    case "error":
      return { type: "error", reason: cut(String(message.reason), 100) };
    default:
      return null;
  }
}

// Storage may be forbidden; then the name is not remembered.
function rememberName(name) {
  try {
    localStorage.setItem("name", name);
  } catch {}
}

function recallName() {
  try {
    return localStorage.getItem("name");
  } catch {
    return null;
  }
}
