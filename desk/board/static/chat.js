// Sends what is said, and shows a model's words as they come. The page itself is the record: once
// the reply stands in the ledger the log is fetched anew.
import { ask, problem } from "./send.js";

const form = document.querySelector("form[data-chat]");
const field = form?.querySelector("textarea");
const alert = form?.querySelector('[role="alert"]');
const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";
const log = () => document.getElementById("talk");
let asked = null;

function drawn() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

function toEnd() {
  const here = log();
  if (here) here.scrollTop = here.scrollHeight;
}

// The newest message that this person could see: a yes to a later one is none.
function seen() {
  const all = log()?.querySelectorAll("[data-number]") ?? [];
  return all.length ? Number(all[all.length - 1].dataset.number) : undefined;
}

function bubble(role, text) {
  const said = document.createElement("article");
  said.className = `said is-${role} is-pending`;
  const words = document.createElement("p");
  words.className = "talk-text";
  words.textContent = text;
  said.append(words);
  log()?.append(said);
  toEnd();
  return words;
}

function events(text) {
  const whole = text.split(/\r?\n\r?\n/);
  return [
    whole.slice(0, -1).map((one) => {
      const lines = one.split(/\r?\n/);
      const of = (name) => lines.filter((l) => l.startsWith(`${name}:`)).map((l) => l.slice(name.length + 1).trimStart()).join("\n");
      return { name: of("event"), data: of("data") };
    }),
    whole.at(-1),
  ];
}

async function listen(answer, words) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let trouble = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return trouble;
    let whole;
    [whole, rest] = events(rest + value);
    for (const { name, data } of whole) {
      if (name === "piece") {
        words.textContent = (words.dataset.begun ? words.textContent : "") + JSON.parse(data).text;
        words.dataset.begun = "yes";
        toEnd();
      }
      if (name === "problem") trouble = problem({ ok: false, status: 422, data: JSON.parse(data) });
    }
  }
}

async function send() {
  const text = field.value.trim();
  if (!text) return field.focus();
  const button = form.querySelector("button");
  button.disabled = true;
  alert.textContent = "";
  if (asked?.text !== text) asked = { text, key: drawn(), opening: drawn(), seen: seen() };
  let trouble = "";
  const begun = !form.dataset.chat;
  const shown = [];
  try {
    if (begun) {
      const opened = await ask("POST", "/api/v1/chat/threads", { title: "" }, asked.opening);
      if (!opened.ok) throw new Error(problem(opened));
      form.dataset.chat = opened.data.id;
    }
    shown.push(bubble("person", text), bubble("coordinator", "…"));
    const answer = await fetch(`/api/v1/chat/threads/${form.dataset.chat}/messages`, {
      method: "POST",
      credentials: "same-origin",
      headers: { Accept: "text/event-stream", "Content-Type": "application/json", "X-CSRF-Token": csrf(), "Idempotency-Key": asked.key },
      body: JSON.stringify({ text, seen: asked.seen }),
    });
    if ((answer.headers.get("content-type") ?? "").startsWith("text/event-stream")) trouble = await listen(answer, shown[1]);
    else trouble = problem({ ok: answer.ok, status: answer.status, data: await answer.json() });
  } catch (error) {
    trouble = error instanceof TypeError ? problem({ status: 0 }) : error.message;
  }
  button.disabled = false;
  for (const one of shown) one.parentElement.remove();
  if (trouble) {
    alert.textContent = trouble;
    return field.focus();
  }
  field.value = "";
  asked = null;
  if (begun || location.pathname === "/chat") return location.assign(`/chat/${form.dataset.chat}`);
  document.body.dispatchEvent(new CustomEvent("ledger"));
  field.focus();
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-say]");
    if (!button) return;
    field.value = button.dataset.say;
    form.requestSubmit();
  });
  document.body.addEventListener("htmx:afterSettle", toEnd);
  toEnd();
}
