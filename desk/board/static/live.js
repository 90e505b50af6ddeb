// Follows the ledger: <body data-feed="T-001 or *" data-after="last line shown">. Each new line
// raises "ledger" on the body; elements with hx-trigger="ledger from:body" then fetch themselves.
// A page that nobody sees lets go of its stream (a browser keeps six to a server) and catches up.
const SOON_MS = 150;
const AGAIN_MS = [500, 1000, 2000, 5000];
const feed = document.body.dataset.feed;
const bar = document.getElementById("offline");
let last = Number(document.body.dataset.after || 0);
let source = null;
let failures = 0;
let due = null;
let quiet = 0;

function raise() {
  due = null;
  quiet = performance.now() + SOON_MS;
  document.body.dispatchEvent(new CustomEvent("ledger", { detail: { last } }));
}

// A broken stream and a computer that goes offline are told in either order: the bar names the
// nearer cause.
function lost() {
  const cause = navigator.onLine
    ? "The board can't be reached; what you see may be old. It goes on by itself."
    : "This computer is offline; what you see may be old. It goes on by itself.";
  say(cause, false);
}

// At once for a single line, at most every 150 ms in a burst.
function soon() {
  due ??= setTimeout(raise, Math.max(0, quiet - performance.now()));
}

function say(text, back) {
  if (!bar) return;
  bar.textContent = text;
  bar.classList.toggle("is-back", back);
  bar.hidden = !text;
}

function line(event) {
  const number = Number(event.lastEventId);
  if (number > last) last = number;
  soon();
  let data = event.data;
  try {
    data = JSON.parse(event.data);
  } catch {
    // A line that is no JSON is still a line.
  }
  document.body.dispatchEvent(new CustomEvent("ledger-line", { detail: data }));
}

function open() {
  if (source || document.hidden) return;
  const ticket = feed === "*" ? "" : `ticket=${encodeURIComponent(feed)}&`;
  source = new EventSource(`/api/v1/events?${ticket}after=${last}`);
  source.addEventListener("open", () => {
    if (failures) {
      say("Connected again. The page is up to date.", true);
      setTimeout(() => say("", false), 3000);
      soon();
    }
    failures = 0;
  });
  source.addEventListener("message", line);
  source.addEventListener("ledger", line);
  source.addEventListener("error", () => {
    close();
    failures += 1;
    if (failures > 1 || !navigator.onLine) lost();
    setTimeout(open, AGAIN_MS[Math.min(failures, AGAIN_MS.length) - 1]);
  });
}

function close() {
  source?.close();
  source = null;
}

if (feed) {
  open();
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("online", () => {
    close();
    failures = Math.max(failures, 1);
    open();
  });
  addEventListener("offline", lost);
  addEventListener("pagehide", close);
}
