/* The panel's form: what is typed into it is saved before anything else happens. */
import "../rows.js";
import { queue, saved, send, settings, unsaved } from "./chain.js";
import { act } from "./buttons.js";
import { moving } from "./move.js";
import { chosen, panel, tree } from "./page.js";
import { focus } from "./walk.js";

panel.addEventListener("input", (event) => {
  if (!event.target.closest("[data-settings]")) return;
  if (event.target.matches("[data-weight]")) share(event.target);
  ofMessage(event.target);
});
panel.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-settings]")) return;
  event.preventDefault();
  queue(() => send(settings()));
});
panel.addEventListener("click", (event) => {
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

/* What happens to messages may be asked of one of them. */
function ofMessage(field) {
  const part = panel.querySelector(`[data-message-of="${CSS.escape(field.name)}"]`);
  if (!part) return;
  part.hidden = !field.value.startsWith("Message ");
  part.querySelector("select").disabled = part.hidden;
}

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

/* An edit that was refused leaves the panel as it is: what it shows stays the chosen step. */
document.addEventListener("htmx:after:swap", (event) => {
  if (!(event.detail.ctx?.response?.status >= 400)) return;
  const shown = document.getElementById(`s-${settings()?.elements.chosen?.value ?? ""}`);
  if (!shown || shown.value === chosen()) return;
  for (const card of tree().querySelectorAll("[aria-pressed]")) card.setAttribute("aria-pressed", String(card === shown));
});
