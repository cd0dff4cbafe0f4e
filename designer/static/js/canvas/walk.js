/* The keyboard: one thing of the tree can be reached by Tab, arrows walk to the others. */
import { post } from "./chain.js";
import { copyQuietly, paste } from "./clipboard.js";
import { hidden, reveal } from "./fold.js";
import { leaveMove, moving, startMove } from "./move.js";
import { board, chosen, itemOf, slots, tree } from "./page.js";
import { choosePlace, leavePlace, search, somewhere } from "./palette.js";

export let focused = "s-"; // what the keyboard stands on in the tree: an id, or a slot

const STOPS = ".top-card, .step-card, .slot, .way.fold, .folded > .fold";
const stops = () => [...tree().querySelectorAll(moving ? ".slot, .folded > .fold" : STOPS)].filter((one) => !hidden(one));
const keyOf = (stop) => (stop.dataset.slot === undefined ? stop.id : `slot ${stop.dataset.slot}`);
const stopOf = (key) => stops().find((stop) => keyOf(stop) === key);

export function rove() {
  const current = stopOf(focused) ?? stops()[0];
  for (const stop of tree().querySelectorAll("[tabindex='0']")) if (stop !== current) stop.tabIndex = -1;
  current.tabIndex = 0;
}

export function focusOn(stop) {
  if (!stop) return;
  focused = keyOf(stop);
  rove();
  stop.focus();
}

export function focus(key) {
  reveal(document.getElementById(key));
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

/* In the outline everything is below each other: left and right are up and down, too. */
const desk = matchMedia("(min-width: 60rem)");
const listed = () => board.classList.contains("outline") || !desk.matches;
function beside(stop, dx, dy) {
  const all = stops();
  const following = all[all.indexOf(stop) + dx + dy];
  if (dy > 0 && hasWays(stop)) return following;
  return listed() ? following : towards(stop, dx, dy) ?? (dy ? following : null);
}

/* Down from a step that has ways leads into the first of them, not past them all. */
const hasWays = (stop) => stop.matches(".step-card") && itemOf(stop).querySelector(":scope > .arms");

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
board.addEventListener("keydown", (event) => {
  const stop = event.target.closest(STOPS);
  if (!stop || event.altKey) return;
  focused = keyOf(stop);
  const step = stop.matches(".step-card") ? stop.value : "";
  if (event.ctrlKey || event.metaKey) return;
  const arrow = ARROWS[event.key];
  if (arrow) {
    event.preventDefault();
    return focusOn(beside(stop, ...arrow));
  }
  if (event.key === "Escape") {
    if (moving) leaveMove();
    else leavePlace();
    return;
  }
  if (moving) return;
  switch (event.key.toLowerCase()) {
    case "a": event.preventDefault(); return choosePlace(placeOf(stop));
    case "v": return paste(placeOf(stop));
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

/* Behind a step, at the beginning of a way or of the journey; an exit has nothing behind it. */
function placeOf(stop) {
  if (stop.dataset.slot !== undefined) return stop.dataset.slot;
  if (stop.matches(".way")) return `${stop.dataset.fold}:`;
  const step = stop.matches(".whole") ? stop.dataset.fold : stop.value;
  if (!step) return ":";
  return slots().find((slot) => slot.dataset.slot.endsWith(`:${step}`))?.dataset.slot ?? somewhere();
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
  const stop = event.target.closest(STOPS);
  if (stop) {
    focused = keyOf(stop);
    rove();
  }
});
