/* Collapsing ways and whole branching steps. This browser remembers what is collapsed, journey by journey. */
import { board, chosen, itemOf, journey, tree } from "./page.js";

const KEY = `parcours.folded.${journey}`;
const folded = new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]")); // "step/way", or "step" for all its ways
let before = null; // the step that was chosen when the tree was last drawn
let narrowed = false; // whether the tree has other widths than the server gave it

const lidOf = (item) => item.querySelector(":scope > .fold");
const hiding = (element) => element.closest(".folded > .arms, .folded > .steps, .arm.folded > .slot");
export const hidden = (element) => hiding(element) !== null;

function keep() {
  localStorage.setItem(KEY, JSON.stringify([...folded]));
}

/* Collapses in the tree what is remembered as collapsed. */
function draw() {
  let any = false;
  for (const lid of tree().querySelectorAll(".fold")) {
    const shut = folded.has(lid.dataset.fold);
    any ||= shut;
    lid.parentElement.classList.toggle("folded", shut);
    if (lid.getAttribute("aria-expanded") === String(!shut)) continue;
    lid.setAttribute("aria-expanded", String(!shut));
    // Open, the hinge is for the mouse, and the card's E; an editor's Tab has its own order.
    if (lid.matches(".whole") && !tree().matches(".editable")) lid.tabIndex = shut ? 0 : -1;
  }
  if (any || narrowed) put(tree(), { columns: columns(tree().querySelector(":scope > .steps")) });
  narrowed = any;
}

/* The widths that the server's layout gives, with one column for what is collapsed. */
function columns(steps) {
  return Math.max(1, ...[...(steps?.children ?? [])].map(width));
}

function width(step) {
  const arms = step.querySelector(":scope > .arms");
  if (!arms) return 1;
  const ways = [...arms.children];
  const widths = ways.map((way) => {
    const inner = columns(way.querySelector(":scope > .steps"));
    const wide = way.classList.contains("folded") ? 1 : inner;
    put(way, { w: wide });
    return wide;
  });
  let own = 0;
  const middles = widths.map((wide) => (own += wide) * 2 - wide);
  put(arms, { left: middles[0], right: middles.at(-1) });
  const join = step.querySelector(":scope > .join");
  if (join) {
    const joining = middles.filter((_, n) => !ways[n].classList.contains("leaves"));
    put(join, { w: own, left: Math.min(...joining, own), right: Math.max(...joining, own) });
  }
  return step.classList.contains("folded") ? 1 : own;
}

function put(element, numbers) {
  for (const [name, value] of Object.entries(numbers)) {
    if (element.style.getPropertyValue(`--${name}`) !== String(value)) element.style.setProperty(`--${name}`, value);
  }
}

/* What was pressed stays where it is on the screen, whatever becomes narrower around it. */
export function toggle(lid) {
  const spot = () => {
    const box = lid.getBoundingClientRect();
    return [box.left + box.width / 2, box.top];
  };
  const [x, y] = spot();
  if (!folded.delete(lid.dataset.fold)) folded.add(lid.dataset.fold);
  const inside = lid.parentElement.contains(document.activeElement);
  keep();
  draw();
  const [nx, ny] = spot();
  board.scrollBy(nx - x, ny - y);
  if (inside && hidden(document.activeElement)) lid.focus({ preventScroll: true });
}

/* Opens whatever an element is collapsed in. */
export function reveal(element) {
  let at = element && hiding(element);
  if (!at) return;
  for (; at; at = hiding(at.parentElement)) folded.delete(lidOf(at.parentElement).dataset.fold);
  keep();
  draw();
}

board.addEventListener("click", (event) => {
  const lid = event.target.closest(".fold");
  if (lid) toggle(lid);
});

/* E: the ways of a branching step, else the way in which one is. */
board.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "e" || event.ctrlKey || event.metaKey || event.altKey) return;
  const card = event.target.closest(".step-card");
  const way = event.target.closest(".arm");
  const lid = event.target.closest(".fold") ?? (card && lidOf(itemOf(card))) ?? (way && lidOf(way));
  if (lid) toggle(lid);
});

/* A new tree: collapsed again before anybody sees it, but not above a step that has just been chosen. */
function drawn() {
  draw();
  if (chosen() !== before) reveal(document.getElementById(`s-${chosen()}`));
  before = chosen();
}
document.addEventListener("htmx:before:settle", (event) => {
  if (event.target.id === "tree") drawn();
});
drawn();
