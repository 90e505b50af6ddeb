// What every page does: sends forms, follows the ledger, tells times in words, switches colours.
import "./send.js";
import "./live.js";

// Morphing keeps what a reader opened, what they are typing, and what was fetched once for good.
if (window.Idiomorph) {
  Idiomorph.defaults.ignoreActiveValue = true;
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS");
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !node.dataset || !("keep" in node.dataset);
}

const words = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function inWords(time) {
  const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return;
  time.title ||= time.textContent;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
  time.textContent = Math.abs(seconds) < 10 ? "just now" : words.format(Math.round(seconds / size), unit);
}

function times(within) {
  for (const time of within.querySelectorAll("time[data-relative]")) inWords(time);
}

times(document);
document.body.addEventListener("htmx:afterSwap", () => times(document));
setInterval(() => document.hidden || times(document), 20000);

const THEMES = ["", "light", "dark"];
const NAMES = { "": "system", light: "light", dark: "dark" };
for (const button of document.querySelectorAll("[data-theme-switch]")) {
  const label = button.querySelector("span");
  const told = () => (label.textContent = `Colours: ${NAMES[document.documentElement.dataset.theme ?? ""]}`);
  told();
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? "";
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    try {
      localStorage.setItem("labcrew-theme", next);
    } catch {
      // It lasts for this page alone then.
    }
    told();
  });
}

// g and then a letter goes to a page, as the links' data-key says; / goes to the search field.
let pressed = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key === "g") pressed = event.timeStamp;
  else if (event.timeStamp - pressed < 1500) {
    const link = document.querySelector(`.side a[data-key="${CSS.escape(event.key)}"]`);
    pressed = 0;
    if (link) {
      event.preventDefault();
      link.click();
    }
  } else if (event.key === "/") {
    const field = document.querySelector("input[type=search]");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  }
});

// Narrow screens: the menu of further pages closes when one looks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".more details[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});

// <button data-copy="text"> copies a text.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard?.writeText(button.dataset.copy);
  button.textContent = "Copied";
});
