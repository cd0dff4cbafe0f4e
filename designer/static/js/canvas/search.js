/* Finding steps: the cards themselves are searched, so that nothing is asked of the server. */
import { hidden, reveal } from "./fold.js";
import { board, itemOf, tree } from "./page.js";

const form = document.querySelector("[data-seek]");
const field = form.querySelector("input");
const told = form.querySelector("[role=status]");
let hits = [];
let at = -1; // which of them one has walked to
let came = null; // where the keyboard was before

const cards = () => [...tree().querySelectorAll(".top-card, .step-card")];
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/* What is written on a card and its ways, its id, and what it only refers to. */
function said(card) {
  const shown = card.querySelectorAll(".title, .detail, .noted, .also");
  const ways = itemOf(card).querySelectorAll(":scope > .arms > .arm > .way > span:not(.icon)");
  const texts = [...shown, ...ways].map((one) => one.textContent);
  return plain([...texts, card.value, card.dataset.find ?? ""].join(" "));
}

function seek() {
  const wanted = plain(field.value).split(/\s+/).filter(Boolean);
  const current = hits[at]?.id;
  const fits = (card) => {
    const text = said(card);
    return wanted.every((word) => text.includes(word));
  };
  hits = wanted.length ? cards().filter(fits) : [];
  at = hits.findIndex((card) => card.id === current);
  show();
}

function show() {
  const found = new Set(hits);
  for (const card of cards()) {
    card.classList.toggle("hit", found.has(card));
    card.classList.toggle("now", card === hits[at]);
  }
  const { place, found: number, none } = told.dataset;
  const words = hits.length ? (at < 0 ? number : place) : none;
  told.textContent = field.value.trim() ? words.replace("{n}", at + 1).replace("{all}", hits.length) : "";
  form.classList.toggle("on", field.value.trim() !== "");
}

function walk(by) {
  if (!hits.length) return;
  at = at < 0 && by < 0 ? hits.length - 1 : (at + by + hits.length) % hits.length;
  const card = hits[at];
  reveal(card);
  show();
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "center", inline: "center" });
}

function leave() {
  const card = hits[at] ?? came;
  field.value = "";
  seek();
  if (card?.isConnected && !hidden(card)) card.focus();
  else field.blur();
}

form.addEventListener("submit", (event) => event.preventDefault());
field.addEventListener("input", seek);
field.addEventListener("focus", (event) => {
  if (board.contains(event.relatedTarget)) came = event.relatedTarget;
});
form.addEventListener("click", (event) => {
  const way = event.target.closest("[data-walk]");
  if (way) walk(Number(way.dataset.walk));
  if (event.target.closest("[data-leave]")) leave();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape") leave();
  if (event.key !== "Enter" || event.target !== field) return;
  event.preventDefault();
  walk(event.shiftKey ? -1 : 1);
});

/* On a card that was walked to, Enter walks on; a single one is opened. */
board.addEventListener("keydown", (event) => {
  if (!hits.length) return;
  const walking = event.key === "Enter" && hits.length > 1 && event.target === hits[at];
  if (!walking && event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  if (walking) walk(event.shiftKey ? -1 : 1);
  else leave();
}, { capture: true });

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.key.toLowerCase() !== "f" || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  field.focus();
  field.select();
});
document.addEventListener("htmx:before:settle", (event) => {
  if (event.target.id === "tree" && field.value) seek();
});
