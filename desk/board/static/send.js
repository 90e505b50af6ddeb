// Forms and buttons that change something: <form data-api="POST /api/v1/…" data-then="reload">.
//
// The fields go as JSON by their names: a dot nests, `data-type` (int, number, json, lines) types,
// a checkbox with a value adds it to a list, one without is true or false, an empty field with
// `data-optional` (and any empty number) is left out, one with `data-changed` also when untouched. `data-then` is "reload", "refresh" or an
// address, in which {name} is taken from the answer. `data-confirm` asks first.
import { confirmed } from "./asking.js";

const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

function drawn() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

function put(into, name, value, append) {
  const path = name.split(".");
  const last = path.pop();
  let here = into;
  for (const part of path) {
    if (!Object.hasOwn(here, part)) Object.defineProperty(here, part, { value: {}, enumerable: true, writable: true });
    here = here[part];
  }
  if (append) (Object.hasOwn(here, last) ? here[last] : (here[last] = [])).push(value);
  else Object.defineProperty(here, last, { value, enumerable: true, configurable: true, writable: true });
}

function typed(field) {
  const text = field.value;
  const type = field.dataset.type ?? (field.type === "number" ? "number" : "text");
  if (type === "number" || type === "int") return Number(text);
  if (type === "json") return JSON.parse(text);
  if (type === "lines") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  return text;
}

// What a form says, as the API takes it. The pressed button counts as a field.
export function body(form, submitter) {
  const said = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.type === "file") continue;
    if (["button", "submit"].includes(field.type) && field !== submitter) continue;
    if (field.type === "radio" && !field.checked) continue;
    if (field.type === "checkbox") {
      const listed = field.hasAttribute("value");
      if (!listed) put(said, field.name, field.checked);
      else if (field.checked) put(said, field.name, typed(field), true);
      continue;
    }
    if ("changed" in field.dataset && field.value === field.defaultValue) continue;
    const optional = field.type === "number" || "optional" in field.dataset || field.dataset.type;
    if (field.value.trim() === "" && optional) continue;
    put(said, field.name, typed(field));
  }
  return said;
}

// Asks the API. Answers {ok, status, data}; status 0: it could not be reached.
export async function ask(method, address, said, key) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrf() };
  if (said !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  try {
    const answer = await fetch(address, {
      method,
      headers,
      credentials: "same-origin",
      body: said === undefined ? undefined : JSON.stringify(said),
    });
    const json = (answer.headers.get("content-type") ?? "").includes("json");
    return { ok: answer.ok, status: answer.status, data: json ? await answer.json() : null };
  } catch {
    return { ok: false, status: 0, data: null };
  }
}

export function problem(answer) {
  if (answer.status === 0)
    return "The board can't be reached. Nothing is lost: press again when it is back; it is never done twice.";
  const { detail, title, remedy } = answer.data ?? {};
  const said = typeof detail === "string" ? detail : title;
  return [said || `The board answered ${answer.status}.`, remedy].filter(Boolean).join("\n");
}

// Puts what is wrong beside the fields that it is about; answers what is about none of them.
export function besideFields(form, problems) {
  for (const place of form.querySelectorAll("[data-error-for]")) place.textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const rest = [];
  for (const { field, message } of problems ?? []) {
    const place = form.querySelector(`[data-error-for="${CSS.escape(field ?? "")}"]`);
    if (place) {
      place.textContent = message;
      form.elements.namedItem(field)?.setAttribute?.("aria-invalid", "true");
    } else rest.push(field ? `${field}: ${message}` : message);
  }
  return rest;
}

function onwards(form, data) {
  const then = form.dataset.then ?? "reload";
  if (then === "reload") return location.reload();
  if (then === "refresh") {
    form.dispatchEvent(new CustomEvent("sent", { bubbles: true, detail: data }));
    form.reset();
    return document.body.dispatchEvent(new CustomEvent("ledger"));
  }
  location.assign(then.replace(/\{([\w.]+)\}/g, (_, name) => encodeURIComponent(String(data?.[name] ?? ""))));
}

async function send(form, submitter) {
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !(await confirmed(question, submitter?.textContent.trim() || "Go on"))) return;
  const alert = form.querySelector('[role="alert"]');
  const [method, address] = (submitter?.dataset.api ?? form.dataset.api).split(" ");
  let said;
  try {
    said = body(form, submitter);
  } catch (error) {
    if (alert) alert.textContent = String(error.message);
    return;
  }
  // The key stays as long as the same is said: pressing twice, or after a broken line, is once.
  const asked = JSON.stringify([method, address, said]);
  if (form.asked !== asked) [form.asked, form.key] = [asked, drawn()];
  const buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
  for (const button of buttons) button.disabled = true;
  submitter?.setAttribute("aria-busy", "true");
  if (alert) alert.textContent = "";
  const answer = await ask(method, address, said, form.key);
  for (const button of buttons) button.disabled = false;
  submitter?.removeAttribute("aria-busy");
  if (answer.ok) {
    delete form.asked;
    return onwards(form, answer.data);
  }
  const rest = besideFields(form, answer.data?.problems ?? answer.data?.fields);
  const told = [problem(answer), ...rest].join("\n");
  if (alert) alert.textContent = told;
  form.dispatchEvent(new CustomEvent("refused", { bubbles: true, detail: answer }));
  if (submitter) submitter.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.api) return;
  event.preventDefault();
  send(form, event.submitter);
});
