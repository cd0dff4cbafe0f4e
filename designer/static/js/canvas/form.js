/* The panel's form: what is typed into it is saved before anything else happens. */
import { queue, saved, send, settings, unsaved } from "./chain.js";
import { act } from "./buttons.js";
import { moving } from "./move.js";
import { chosen, journey, panel, tree } from "./page.js";
import { focus } from "./walk.js";

function changed() {
  const open = settings();
  open.setAttribute("data-unsaved", "");
  open.querySelector("[data-changed]").hidden = false;
}

function again(what) {
  return queue(async () => {
    const open = settings();
    changed();
    const asked = Object.assign(document.createElement("input"), { type: "hidden", name: "what", value: what });
    open.append(asked);
    typed = new Map();
    await htmx.ajax("POST", `/journeys/${journey}/panel`, { source: open, target: "#panel", swap: "innerHTML" });
    asked.remove();
    const [does, path] = what.split(" ");
    if (does === "show" || does === "add") retype(typed);
    typed = null;
    if (does === "add") newest(path)?.focus();
    else if (held) named(held)?.focus();
  });
}

let typed = null; // what is typed while the form is on its way: nothing of it is lost
let held = "";    // the field that has the focus
const named = (name) => panel.querySelector(`[name="${CSS.escape(name)}"]:not([type=hidden])`);

function retype(meanwhile) {
  for (const [name, value] of meanwhile) {
    const field = named(name);
    if (!field || field.value === value) continue;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function newest(path) {
  const rows = [...panel.querySelectorAll(`[name^="${CSS.escape(path)}."]:not([type=hidden])`)];
  const number = (one) => Number(one.name.slice(path.length + 1).split(".")[0]);
  const last = Math.max(...rows.map(number));
  return rows.find((one) => number(one) === last);
}

panel.addEventListener("focusin", (event) => { held = event.target.name ?? ""; });
panel.addEventListener("input", (event) => {
  if (!event.target.closest("[data-settings]")) return;
  changed();
  if (event.target.type !== "checkbox") typed?.set(event.target.name, event.target.value);
  if (event.target.matches("[data-weight]")) share(event.target);
});
panel.addEventListener("change", (event) => {
  if (event.target.matches("select[data-again]")) again("show");
});
panel.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-settings]")) return;
  event.preventDefault();
  queue(() => send(event.target));
});
panel.addEventListener("click", (event) => {
  const more = event.target.closest("button[data-again]");
  if (more) return again(more.dataset.again);
  const tab = event.target.closest("[role=tab]");
  if (tab) return turn(tab);
  act(event);
});
panel.addEventListener("keydown", (event) => {
  const tab = event.target.closest("[role=tab]");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (tab && step) {
    const all = [...tab.parentElement.querySelectorAll("[role=tab]")];
    turn(all[(all.indexOf(tab) + step + all.length) % all.length]);
  }
  if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    settings()?.requestSubmit();
  }
  if (event.key === "Escape") focus(`s-${chosen()}`);
});

function turn(tab) {
  for (const one of tab.parentElement.querySelectorAll("[role=tab]")) {
    const here = one === tab;
    one.setAttribute("aria-selected", String(here));
    one.tabIndex = here ? 0 : -1;
    document.getElementById(one.getAttribute("aria-controls")).hidden = !here;
  }
  tab.focus();
}

/* Shares always add up to 100: the others give or take, the last ones first. */
function share(field) {
  const all = [...settings().querySelectorAll("[data-weight]")];
  const number = (one) => Math.max(0, Math.min(100, Math.round(Number(one.value) || 0)));
  let over = all.reduce((sum, one) => sum + number(one), 0) - 100;
  for (const other of all.filter((one) => one !== field).reverse()) {
    const now = number(other);
    const next = Math.max(0, Math.min(100, now - over));
    over -= now - next;
    other.value = next;
  }
  for (const [n, one] of all.entries()) {
    const shown = settings().querySelector(`[data-share="${n}"]`);
    if (shown) shown.textContent = `${one.value} %`;
  }
}

/* Choosing another step saves what was typed first. */
document.addEventListener("click", (event) => {
  const card = event.target.closest("button[form=choose]");
  if (card && moving) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  if (!card || !unsaved()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  queue(async () => {
    if (await saved()) document.getElementById(`s-${card.value}`)?.click();
  });
}, { capture: true });
addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });

/* An edit that was refused leaves the panel as it is: what it shows stays the chosen step. */
document.addEventListener("htmx:after:swap", (event) => {
  if (!(event.detail.ctx?.response?.status >= 400)) return;
  const shown = document.getElementById(`s-${settings()?.elements.chosen?.value ?? ""}`);
  if (!shown || shown.value === chosen()) return;
  for (const card of tree().querySelectorAll("[aria-pressed]")) card.setAttribute("aria-pressed", String(card === shown));
});
