// A review: comments on lines, verification with its progress, the change in one column or two.

// Line numbers of a file are one stop of the keyboard; the arrows move among them.
const numbers = (table) => [...table.querySelectorAll("button.line-number")];

function reachable(within) {
  for (const table of within.querySelectorAll("table.diff")) {
    const all = numbers(table);
    if (all.length && !all.some((button) => button.tabIndex === 0)) all[0].tabIndex = 0;
  }
}

document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.("button.line-number");
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
  if (!button || !step) return;
  event.preventDefault();
  const all = numbers(button.closest("table"));
  const at = Math.max(0, Math.min(all.length - 1, all.indexOf(button) + step));
  for (const other of all) other.tabIndex = -1;
  all[at].tabIndex = 0;
  all[at].focus();
});

function form(path, line) {
  const made = document.getElementById("remark-form").content.cloneNode(true).querySelector("form");
  made.elements.path.value = path;
  made.elements.line.value = line ?? "";
  const label = made.querySelector("[data-about]");
  const text = made.elements.text;
  text.id = `remark-${Math.random().toString(36).slice(2)}`;
  label.htmlFor = text.id;
  label.textContent = line ? `Comment on line ${line} of ${path}` : `Comment on ${path}`;
  return made;
}

// At most one form a line; asking again goes to it.
function commentOn(button) {
  const row = button.closest("tr");
  const table = button.closest("table");
  const next = row.nextElementSibling;
  if (next?.classList.contains("remark-edit")) return next.querySelector("textarea").focus();
  const place = document.createElement("tr");
  place.className = "remark-edit";
  const cell = place.insertCell();
  cell.colSpan = 4;
  cell.append(form(table.dataset.path, button.dataset.line));
  row.after(place);
  place.back = button;
  cell.querySelector("textarea").focus();
}

function cancel(form) {
  const place = form.closest(".remark-edit") ?? form;
  const back = place.back;
  place.remove();
  back?.focus();
}

document.addEventListener("click", (event) => {
  const number = event.target.closest("button.line-number");
  if (number) return commentOn(number);
  const onFile = event.target.closest("[data-remark-on-file]");
  if (onFile && !onFile.nextElementSibling) {
    const made = form(onFile.dataset.remarkOnFile);
    made.back = onFile;
    onFile.parentElement.after(made);
    return made.elements.text.focus();
  }
  const no = event.target.closest("[data-cancel]");
  if (no) cancel(no.form);
});
document.addEventListener("keydown", (event) => {
  const made = event.target.closest?.("form.remark-form");
  if (made && event.key === "Escape") cancel(made);
  if (made && event.key === "Enter" && (event.ctrlKey || event.metaKey)) made.requestSubmit();
});

// A comment that was taken stands at its line at once.
document.addEventListener("sent", (event) => {
  const sent = event.target;
  if (sent.matches("form.remark-form")) {
    const body = sent.closest(".file-body");
    cancel(sent);
    if (body) window.htmx.trigger(body, "again");
  } else if (sent.matches("form.verify")) found(event.detail);
});
document.body.addEventListener("htmx:afterSwap", (event) => reachable(event.target));
document.body.addEventListener("htmx:responseError", (event) => {
  const body = event.target.closest?.(".file-body");
  if (body) body.querySelector(".diff-note").textContent = "This file can't be shown now.";
});

// Verification: runs go again in a sandbox, so it takes a while; the seconds show that it goes on.
const told = document.getElementById("verification");
let counting = null;

function say(kind, lines) {
  told.className = `callout ${kind}`;
  told.replaceChildren(
    ...lines.map((line) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      return paragraph;
    }),
  );
  told.hidden = false;
}

function stop() {
  clearInterval(counting);
  counting = null;
}

function found(result) {
  stop();
  const tests = result.tests ? ` and ${result.tests} tests` : "";
  const checked = `${result.checked} numbers${tests} were checked`;
  const holds = result.checked + (result.tests ?? 0) > 0 && result.problems.length === 0;
  if (holds) say("good", [`It holds: ${checked}, and each comes out as it is written.`, result.rerun].filter(Boolean));
  else say("bad", [`It does not hold: ${checked}.`, ...result.problems, result.rerun].filter(Boolean));
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.verify")) return;
  const began = performance.now();
  const words = `Recomputing ${told.dataset.count} numbers from the stored outputs, in a sandbox`;
  say("", [`${words} …`]);
  stop();
  counting = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    // Read out once; the seconds are for the eye.
    told.firstElementChild.dataset.seconds = `${seconds} s`;
  }, 1000);
});
document.addEventListener("refused", (event) => {
  if (!event.target.matches("form.verify")) return;
  stop();
  told.hidden = true;
});

// One column or two; narrow screens always have one.
const changes = document.getElementById("changes");
const view = changes?.querySelector("[data-diff-view]");
view?.addEventListener("click", () => {
  const one = changes.classList.toggle("one-column");
  view.textContent = one ? "Show side by side" : "Show in one column";
});
changes?.querySelector("[data-open-all]")?.addEventListener("click", (event) => {
  const files = [...changes.querySelectorAll("details.file")];
  const open = files.some((file) => !file.open);
  for (const file of files) file.open = open;
  event.target.textContent = open ? "Close all" : "Open all";
});
