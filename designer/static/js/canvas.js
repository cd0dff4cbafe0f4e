/* Editing the canvas. Every edit is one request, sent when the one before has been answered. */
const form = document.getElementById("ops");
const board = document.querySelector("[data-board]");
const panel = document.getElementById("panel");
const palette = document.getElementById("palette");
const said = document.getElementById("said");
const journey = document.querySelector("[data-journey]").dataset.journey;
const tree = () => document.getElementById("tree");
const settings = () => panel.querySelector("[data-settings]");
const unsaved = () => settings()?.hasAttribute("data-unsaved");

let chain = Promise.resolve();
let waiting = 0;    // how many of them have not been answered
let place = null;   // the slot that the next step goes into
let moving = null;  // the step that is being moved
let focused = "s-"; // what the keyboard stands on in the tree: an id, or a slot

/* Requests, one after the other. */
function queue(work) {
  waiting += 1;
  panel.setAttribute("aria-busy", "true");
  chain = chain.then(work).catch(() => {}).finally(() => {
    waiting -= 1;
    if (!waiting) panel.removeAttribute("aria-busy");
  });
  return chain;
}

function post(values) {
  return queue(async () => {
    if (!(await saved(values.op === "undo" || values.op === "redo"))) return;
    for (const name of ["op", "step", "slot", "type", "from"]) form.elements[name].value = values[name] ?? "";
    if (!values.step && values.op !== "insert") form.elements.step.value = chosen();
    await htmx.ajax("POST", form.action, { source: form, swap: "none" });
  });
}

/* What was typed into the open form is saved before anything else happens. */
async function saved(forget = false) {
  if (!unsaved() || forget) return true;
  await send(settings());
  return !unsaved();
}

function send(sent) {
  sent.elements.rev?.remove();
  const rev = Object.assign(document.createElement("input"), { type: "hidden", name: "rev" });
  rev.value = document.getElementById("rev").value;
  sent.append(rev);
  return htmx.ajax("POST", sent.action, { source: sent, target: "#panel", swap: "innerHTML" });
}

const chosen = () => tree().querySelector("button[aria-pressed=true]")?.value ?? "";

/* The panel's form. */
function changed() {
  const open = settings();
  open.setAttribute("data-unsaved", "");
  open.querySelector("[data-changed]").hidden = false;
}

function again(what) {
  changed();
  return queue(async () => {
    const open = settings(); // as the answer before has left it
    const asked = Object.assign(document.createElement("input"), { type: "hidden", name: "what", value: what });
    open.append(asked);
    await htmx.ajax("POST", `/journeys/${journey}/panel`, { source: open, target: "#panel", swap: "innerHTML" });
    asked.remove();
  });
}

panel.addEventListener("input", (event) => {
  if (!event.target.closest("[data-settings]")) return;
  changed();
  if (event.target.matches("[data-weight]")) share(event.target);
  ofMessage(event.target);
});
panel.addEventListener("change", (event) => {
  if (event.target.matches("select[data-again]")) again("show");
});
panel.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-settings]")) return;
  event.preventDefault();
  queue(() => send(settings()));
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
addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });

/* Buttons that edit, in the toolbar and the panel. */
function act(event) {
  const button = event.target.closest("button[data-op]");
  if (!button) return;
  const { op, step, slot, type } = button.dataset;
  if (op === "start-move") return startMove(step);
  if (op === "copy") return copy(step);
  const done = post({ op, step, slot, type });
  if (button.closest("#panel")) done.then(() => focus(`s-${chosen()}`));
}
document.querySelector(".toolbar").addEventListener("click", act);

/* Slots and the palette. */
function choosePlace(slot) {
  place = slot;
  mark();
  palette.classList.add("open");
  const hint = palette.querySelector(".palette-hint");
  hint.textContent = slot === null ? hint.dataset.hint : hint.dataset.chosen;
  if (slot !== null) palette.querySelector("[data-palette-search]").focus({ preventScroll: true });
}

function leavePlace() {
  place = null;
  palette.classList.remove("open");
  const hint = palette.querySelector(".palette-hint");
  hint.textContent = hint.dataset.hint;
  const search = palette.querySelector("[data-palette-search]");
  search.value = "";
  find("");
  mark();
}

/* Without a chosen place: behind the chosen step, else at the end. */
function somewhere() {
  if (place !== null) return place;
  const slots = [...tree().querySelectorAll(".slot")];
  const step = chosen();
  const behind = step && slots.find((slot) => slot.dataset.slot.endsWith(`:${step}`));
  return (behind || slots.findLast((slot) => slot.dataset.slot.startsWith(":")))?.dataset.slot ?? ":";
}

function add(kind, slot = somewhere()) {
  leavePlace();
  post({ op: "insert", type: kind, slot }).then(() => focus(`s-${chosen()}`));
}

function mark() {
  for (const slot of tree().querySelectorAll(".slot")) {
    slot.classList.toggle("chosen", slot.dataset.slot === place);
  }
  board.classList.toggle("moving", moving !== null);
  tree().querySelector(".step-card.moved")?.classList.remove("moved");
  if (moving) document.getElementById(`s-${moving}`)?.classList.add("moved");
}

board.addEventListener("click", (event) => {
  const slot = event.target.closest(".slot");
  if (!slot) return;
  if (moving) return drop(slot.dataset.slot);
  choosePlace(slot.dataset.slot);
});

palette.addEventListener("click", (event) => {
  const offer = event.target.closest("[data-offer]");
  if (offer && !dragged) add(offer.dataset.offer);
  if (event.target.closest("[data-paste]")) paste();
  if (event.target.closest("[data-palette-close]")) leavePlace();
});
const search = palette.querySelector("[data-palette-search]");
search.addEventListener("input", () => find(search.value));
search.addEventListener("keydown", (event) => {
  const first = [...palette.querySelectorAll("[data-offer]")].find((one) => !one.hidden);
  if (event.key === "Enter" && first) {
    event.preventDefault();
    add(first.dataset.offer);
  } else if (event.key === "ArrowDown" && first) {
    event.preventDefault();
    first.focus();
  } else if (event.key === "Escape") {
    leavePlace();
    focus(focused);
  }
});
palette.addEventListener("keydown", (event) => {
  const offer = event.target.closest("[data-offer]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (offer && step) {
    event.preventDefault();
    const all = [...palette.querySelectorAll("[data-offer]")].filter((one) => !one.hidden);
    (all[all.indexOf(offer) + step] ?? search).focus();
  } else if (offer && event.key === "Escape") {
    leavePlace();
    focus(focused);
  }
});

function find(text) {
  const wanted = text.trim().toLowerCase();
  for (const offer of palette.querySelectorAll("[data-offer]")) {
    offer.hidden = !`${offer.textContent} ${offer.title}`.toLowerCase().includes(wanted);
  }
  for (const group of palette.querySelectorAll(".offered")) {
    group.hidden = ![...group.querySelectorAll("[data-offer]")].some((one) => !one.hidden);
  }
}

/* Moving, copying and pasting. */
function startMove(step) {
  moving = step;
  mark();
  const slots = [...tree().querySelectorAll(".slot")];
  const behind = slots.findIndex((slot) => slot.dataset.slot.endsWith(`:${step}`));
  focusOn(slots[Math.max(0, behind)]);
}

function drop(slot) {
  const step = moving;
  moving = null;
  mark();
  post({ op: "move", step, slot }).then(() => focus(`s-${step}`));
}

function leaveMove() {
  const step = moving;
  moving = null;
  mark();
  focus(`s-${step}`);
}

const CLIPBOARD = "parcours.copied";
function copy(step) {
  copyQuietly(step);
  palette.querySelector("[data-paste]").focus({ preventScroll: true });
}

function paste() {
  const copied = JSON.parse(localStorage.getItem(CLIPBOARD) ?? "null");
  if (!copied) return;
  const slot = somewhere();
  leavePlace();
  post({ op: "paste", ...copied, slot }).then(() => focus(`s-${chosen()}`));
}

function showPaste() {
  palette.querySelector("[data-paste]").hidden = !localStorage.getItem(CLIPBOARD);
}
addEventListener("storage", showPaste);
showPaste();

/* The keyboard: one thing of the tree can be reached by Tab, arrows walk to the others. */
const stops = () => [...tree().querySelectorAll(moving ? ".slot" : ".top-card, .step-card, .slot")];
const keyOf = (stop) => (stop.dataset.slot === undefined ? stop.id : `slot ${stop.dataset.slot}`);
const stopOf = (key) => stops().find((stop) => keyOf(stop) === key);

function rove() {
  const all = [...tree().querySelectorAll(".top-card, .step-card, .slot")];
  const current = all.find((stop) => keyOf(stop) === focused) ?? all[0];
  for (const stop of all) stop.tabIndex = stop === current ? 0 : -1;
}

function focusOn(stop) {
  if (!stop) return;
  focused = keyOf(stop);
  rove();
  stop.focus();
}

function focus(key) {
  focusOn(stopOf(key) ?? stopOf(`s-${chosen()}`) ?? stops()[0]);
}

/* The nearest in a direction: what lies straight ahead counts more than what lies aside. */
function towards(from, dx, dy) {
  const middle = (stop) => {
    const box = stop.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = middle(from);
  let best = null;
  let least = Infinity;
  for (const stop of stops()) {
    if (stop === from) continue;
    const [sx, sy] = middle(stop);
    const ahead = (sx - x) * dx + (sy - y) * dy;
    const aside = Math.abs((sx - x) * dy) + Math.abs((sy - y) * dx);
    if (ahead <= 1) continue;
    const far = ahead + aside * (dx ? 4 : 2); // to the side lie the other ways, hardly ever what is below
    if (far < least) [best, least] = [stop, far];
  }
  return best;
}

/* Down from a step that has ways leads into the first of them, not past them all. */
function firstWay(stop) {
  const ways = stop.parentElement.querySelector(":scope > .arms");
  return stop.matches(".step-card") && ways ? stops().find((one) => ways.contains(one)) : null;
}

/* In the outline everything is below each other: left and right are up and down, too. */
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
board.addEventListener("keydown", (event) => {
  const stop = event.target.closest(".top-card, .step-card, .slot");
  if (!stop || event.altKey) return;
  focused = keyOf(stop);
  const step = stop.dataset.slot === undefined ? stop.value : "";
  if (event.ctrlKey || event.metaKey) return;
  const arrow = ARROWS[event.key];
  if (arrow) {
    event.preventDefault();
    let next = (arrow[1] > 0 && firstWay(stop)) || towards(stop, ...arrow);
    if (!next && arrow[1]) {
      const all = stops();
      next = all[all.indexOf(stop) + arrow[1]];
    }
    return focusOn(next);
  }
  if (event.key === "Escape") {
    if (moving) leaveMove();
    else leavePlace();
    return;
  }
  if (moving) return;
  switch (event.key.toLowerCase()) {
    case "a": event.preventDefault(); return choosePlace(stop.dataset.slot ?? after(step));
    case "v": return pasteAt(stop.dataset.slot ?? after(step));
    case "/": event.preventDefault(); event.stopPropagation(); return search.focus();
  }
  if (!step) return;
  switch (event.key.toLowerCase()) {
    case "d": return void post({ op: "duplicate", step }).then(() => focus(`s-${chosen()}`));
    case "m": return startMove(step);
    case "c": return copyQuietly(step);
    case "delete": case "backspace":
      return void post({ op: "delete", step }).then(() => focus(`s-${chosen()}`));
  }
});

/* Behind a step, or at the beginning of the journey; an exit has nothing behind it. */
function after(step) {
  if (!step) return ":";
  const slots = [...tree().querySelectorAll(".slot")];
  return slots.find((slot) => slot.dataset.slot.endsWith(`:${step}`))?.dataset.slot ?? somewhere();
}

function pasteAt(slot) {
  place = slot;
  paste();
}

function copyQuietly(step) {
  localStorage.setItem(CLIPBOARD, JSON.stringify({ from: journey, step }));
  showPaste();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || !(event.ctrlKey || event.metaKey)) return;
  const key = event.key.toLowerCase();
  const redo = key === "y" || (key === "z" && event.shiftKey);
  if (!redo && key !== "z") return;
  event.preventDefault();
  post({ op: redo ? "redo" : "undo" });
});
board.addEventListener("focusin", (event) => {
  const stop = event.target.closest(".top-card, .step-card, .slot");
  if (stop) {
    focused = keyOf(stop);
    rove();
  }
});

/* Dragging: a step of the palette or of the tree, onto the nearest slot. On touch after a long press. */
let drag = null;
let dragged = false;
function seize(event) {
  const offer = event.target.closest("[data-offer]");
  const card = event.target.closest(".step-card");
  if (event.button !== 0 || !(offer || card) || moving) return;
  drag = { offer: offer?.dataset.offer, step: card?.value, from: offer ?? card, x: event.clientX, y: event.clientY,
    id: event.pointerId, on: false, touch: event.pointerType !== "mouse" };
  dragged = false;
  if (drag.touch) drag.timer = setTimeout(() => drag && lift(), 450);
}
board.addEventListener("pointerdown", seize);
palette.addEventListener("pointerdown", seize);

function lift() {
  drag.on = true;
  dragged = true;
  drag.ghost = drag.from.cloneNode(true);
  drag.ghost.removeAttribute("id");
  drag.ghost.className += " ghost";
  drag.ghost.style.width = `${drag.from.offsetWidth}px`;
  drag.ghost.setAttribute("aria-hidden", "true");
  document.body.append(drag.ghost);
  board.classList.add("dropping");
  moveGhost(drag.x, drag.y);
}

function moveGhost(x, y) {
  drag.ghost.style.transform = `translate(${x + 8}px, ${y + 8}px)`;
  const box = board.getBoundingClientRect();
  const edge = 48;
  const pull = (at, from, to) => (at < from + edge ? -12 : at > to - edge ? 12 : 0);
  board.scrollBy(pull(x, box.left, box.right), pull(y, box.top, box.bottom));
  let best = null;
  let least = 110;
  for (const slot of tree().querySelectorAll(".slot")) {
    if (drag.step && slot.closest(`#l-${CSS.escape(drag.step)}`) && !slot.dataset.slot.endsWith(`:${drag.step}`)) continue;
    const at = slot.getBoundingClientRect();
    const far = Math.hypot(at.left + at.width / 2 - x, at.top + at.height / 2 - y);
    if (far < least) [best, least] = [slot, far];
  }
  tree().querySelector(".slot.near")?.classList.remove("near");
  best?.classList.add("near");
  drag.slot = best?.dataset.slot;
}

addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const far = Math.hypot(event.clientX - drag.x, event.clientY - drag.y);
  if (!drag.on && drag.touch && far > 8) return letGo();
  if (!drag.on && !drag.touch && far > 6) lift();
  if (drag.on) {
    event.preventDefault();
    moveGhost(event.clientX, event.clientY);
  }
});
addEventListener("touchmove", (event) => { if (drag?.on) event.preventDefault(); }, { passive: false });
addEventListener("contextmenu", (event) => { if (drag?.touch) event.preventDefault(); });

function letGo() {
  clearTimeout(drag?.timer);
  drag?.ghost?.remove();
  board.classList.remove("dropping");
  tree().querySelector(".slot.near")?.classList.remove("near");
  drag = null;
}
addEventListener("pointerup", (event) => {
  if (!drag || event.pointerId !== drag.id) return;
  const { on, slot, offer, step } = drag;
  letGo();
  if (!on) return;
  // The click that follows belongs to the drag.
  addEventListener("click", (click) => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true });
  setTimeout(() => { dragged = false; }, 0);
  if (slot === undefined) return;
  if (offer) add(offer, slot);
  else post({ op: "move", step, slot }).then(() => focus(`s-${step}`));
});
addEventListener("pointercancel", () => drag && letGo());

/* After every answer: what was marked is marked again, and what was said is shown for a while. */
document.addEventListener("htmx:after:swap", () => { rove(); mark(); });
const toast = document.createElement("p");
toast.className = "toast said";
toast.hidden = true;
toast.setAttribute("aria-hidden", "true");
document.body.append(toast);
let fading;
new MutationObserver(() => {
  toast.textContent = said.textContent;
  toast.hidden = !said.textContent;
  clearTimeout(fading);
  fading = setTimeout(() => { toast.hidden = true; }, 3500);
}).observe(said, { childList: true, characterData: true, subtree: true });
rove();
