// The form that writes a file: reads the fields, shows the file, has it checked and previewed.
// The page's own script calls `build` with what a preview says of it.
import { ask, problem } from "./send.js";
import { ticketFile } from "./ticket-file.js";

const CHECK_AFTER_MS = 350;
const builder = document.getElementById("builder");
const text = document.getElementById("text");
const beside = document.getElementById("beside");
const byHand = document.getElementById("by-hand");
const checked = document.getElementById("checked");
const problems = document.getElementById("problems");
export const brought = document.getElementById("brought");
const touched = new Set();
const api = `/api/v1/${builder.dataset.kind}`;

const commas = (said) => said.split(",").map((one) => one.trim()).filter(Boolean);
const numeric = (said) => /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(said);
const value = (said) => (numeric(said) ? Number(said) : said === "true" ? true : said === "false" ? false : said);

function pairs(said, of = (one) => one) {
  const rows = said.split("\n").map((line) => line.trim()).filter(Boolean);
  return Object.fromEntries(
    rows.map((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [line, of("")] : [line.slice(0, colon).trim(), of(line.slice(colon + 1).trim())];
    }),
  );
}

// A control's value; undefined: it says nothing.
function read(control) {
  const kind = control.dataset.kind ?? "text";
  if (kind === "switch") return control.checked;
  const said = kind === "long" || kind === "lines" || kind === "pairs" ? control.value : control.value.trim();
  if (!said.trim()) return undefined;
  if (kind === "number") return numeric(said) ? Number(said) : said;
  if (kind === "numbers" || kind === "values") return commas(said).map(value);
  if (kind === "words") return commas(said);
  if (kind === "lines") return said.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "pairs") return pairs(said);
  if (kind === "when") return pairs(said.replaceAll(";", "\n"), (one) => commas(one).map(value));
  return kind === "long" ? said.trim() : said;
}

function put(into, path, given) {
  const names = path.split(".");
  const last = names.pop();
  let here = into;
  for (const name of names) here = here[name] ??= {};
  here[last] = given;
}

function readRow(row) {
  const found = {};
  for (const control of row.querySelectorAll("[data-key]")) {
    const label = control.closest("[data-for]");
    if (label?.hidden) continue;
    const given = read(control);
    if (given === undefined || given === false) continue;
    if ((control.dataset.key === "role" || control.dataset.key === "split") && given === "other") continue;
    found[control.dataset.key] = given;
  }
  return found;
}

function fields() {
  const made = {};
  for (const control of builder.querySelectorAll("[data-path]")) {
    const given = read(control);
    const isDefault = String(given) === control.dataset.default;
    if (given === undefined || (given === false && !control.dataset.default)) continue;
    if (isDefault && control.dataset.kind !== "choice") continue;
    if (isDefault && control.dataset.kind === "choice" && control.dataset.path !== "kind") continue;
    put(made, control.dataset.path, given);
  }
  for (const box of builder.querySelectorAll("[data-files]")) {
    for (const one of box.querySelectorAll("[data-file]")) {
      const path = one.querySelector("[data-file-path]").value.trim();
      if (!path) continue;
      const [table, name] = box.dataset.files.split(".");
      ((made[table] ??= {})[name] ??= {})[path] = one.querySelector("[data-file-text]").value;
    }
  }
  const space = {};
  for (const row of builder.querySelectorAll('[data-rows="search_space"] > [data-row]')) {
    const { name, ...rest } = readRow(row);
    if (name) space[name] = rest;
  }
  if (Object.keys(space).length) made.search_space = space;
  const data = [...builder.querySelectorAll('[data-rows="data"] > [data-row]')].map(readRow).filter((one) => one.path);
  if (data.length) made.data = data;
  return made;
}

// Where a problem is shown: at its field, else at the row or table that it is inside of.
function place(field) {
  const [table, name] = field.split(/[.[\]]+/);
  if (table === "search_space" || table === "data") {
    const rows = [...builder.querySelectorAll(`[data-rows="${table}"] > [data-row]`)];
    const row = rows.find((one, n) => (table === "data" ? String(n) === name : readRow(one).name === name));
    if (row) return row.querySelector("[data-row-error]");
  }
  return builder.querySelector(`[data-error-for="${CSS.escape(field)}"]`);
}

function show(found) {
  for (const spot of builder.querySelectorAll("[data-error-for], [data-row-error]")) spot.textContent = "";
  for (const control of builder.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  problems.replaceChildren();
  for (const { line, field, message } of found) {
    const spot = byHand.checked || !field ? null : place(field);
    const control = builder.querySelector(`[data-path="${CSS.escape(field || "-")}"]`);
    if (spot && (!control || touched.has(field))) {
      spot.textContent += (spot.textContent ? " " : "") + message;
      control?.setAttribute("aria-invalid", "true");
    }
    const row = document.createElement("li");
    const where = [byHand.checked && line ? `line ${line}` : "", field].filter(Boolean).join(", ");
    row.textContent = where ? `${where}: ${message}` : message;
    problems.append(row);
  }
}

let due = null;
let asked = 0;

async function check() {
  const turn = ++asked;
  const answer = await ask("POST", `${api}/check`, sent());
  if (turn !== asked) return;
  if (!answer.ok) {
    checked.textContent = problem(answer);
    return;
  }
  const found = answer.data.problems;
  show(found);
  checked.textContent = found.length
    ? `${found.length} ${found.length === 1 ? "thing is" : "things are"} still missing or wrong:`
    : `Nothing is wrong with it. The repository is looked at when you press ${builder.dataset.acts}.`;
}

function sent() {
  const said = { text: text.value };
  if (beside.value.trim()) said.beside = beside.value.trim();
  return said;
}

function changed() {
  if (!byHand.checked) text.value = ticketFile(fields());
  clearTimeout(due);
  due = setTimeout(check, CHECK_AFTER_MS);
}

export function takeText(said, told) {
  byHand.checked = true;
  text.readOnly = false;
  text.value = said;
  brought.textContent = told;
  changed();
}

function addRow(kind) {
  const box = builder.querySelector(`[data-rows="${kind}"]`);
  const row = document.getElementById(`row-${kind}`).content.firstElementChild.cloneNode(true);
  row.setAttribute("aria-label", `${kind === "data" ? "Data file" : "Parameter"} ${box.children.length + 1}`);
  box.append(row);
  row.querySelector("input").focus();
}

builder.addEventListener("submit", (event) => event.preventDefault());
builder.addEventListener("input", changed);
builder.addEventListener("focusout", (event) => {
  if (event.target.dataset.path) touched.add(event.target.dataset.path);
  changed();
});
builder.addEventListener("change", (event) => {
  if (event.target.dataset.key === "type")
    for (const label of event.target.closest("[data-row]").querySelectorAll("[data-for]"))
      label.hidden = !label.dataset.for.split(" ").includes(event.target.value);
  changed();
});
builder.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.add) addRow(button.dataset.add);
  else if (button.dataset.addFile) {
    const row = document.getElementById("row-file").content.firstElementChild.cloneNode(true);
    builder.querySelector(`[data-files="${button.dataset.addFile}"]`).append(row);
    row.querySelector("input").focus();
  } else if ("remove" in button.dataset) {
    const row = button.closest("[data-row], [data-file]");
    const box = row.parentElement;
    row.remove();
    box.parentElement.querySelector("[data-add], [data-add-file]")?.focus();
  }
  changed();
});
text.addEventListener("input", changed);
beside.addEventListener("input", changed);
byHand.addEventListener("change", () => {
  text.readOnly = !byHand.checked;
  changed();
});
document.addEventListener("refused", (event) => show(event.detail.data?.problems ?? []));

document.getElementById("upload").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  if (file.size > Number(event.target.dataset.most)) {
    brought.textContent = `${file.name} has ${file.size.toLocaleString("en")} bytes; a million is the most.`;
    return;
  }
  document.querySelector('[name="source"]').value = file.name;
  takeText(await file.text(), `${file.name} stands beside the form; change it there.`);
});

// Has the preview shown: `rows` makes pairs of a name and a text of the API's answer.
export function build(rows) {
  const previewed = document.getElementById("previewed");
  document.getElementById("preview")?.addEventListener("click", async (event) => {
    const button = event.target;
    button.disabled = true;
    previewed.hidden = false;
    previewed.textContent = "Looking at the repository …";
    const answer = await ask("POST", `${api}/preview`, sent());
    button.disabled = false;
    if (!answer.ok) {
      show(answer.data?.problems ?? []);
      previewed.textContent = problem(answer);
      return;
    }
    const heading = document.createElement("h2");
    heading.textContent = "What it would take";
    const facts = document.createElement("dl");
    facts.className = "facts small";
    for (const [name, told] of rows(answer.data)) {
      const [term, said] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      said.textContent = told;
      facts.append(term, said);
    }
    const nothing = document.createElement("p");
    nothing.className = "small muted";
    nothing.textContent = "Nothing was started.";
    previewed.replaceChildren(heading, facts, nothing);
  });

  for (const select of builder.querySelectorAll('[data-path="metric.direction"]')) touched.add(select.dataset.path);
  if (text.value) takeText(text.value, "");
  else changed();
}
