/* Places in the tree, and the palette of steps that go there. */
import { post } from "./chain.js";
import { paste } from "./clipboard.js";
import { dragged } from "./drag.js";
import { drop, mark, moving } from "./move.js";
import { board, chosen, palette, slots } from "./page.js";
import { focus, focused } from "./walk.js";

export let place = null; // the slot that the next step goes into

export function choosePlace(slot) {
  place = slot;
  mark();
  palette.classList.add("open");
  const hint = palette.querySelector(".palette-hint");
  hint.textContent = slot === null ? hint.dataset.hint : hint.dataset.chosen;
  if (slot !== null) palette.querySelector("[data-palette-search]").focus({ preventScroll: true });
}

export function leavePlace() {
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
export function somewhere() {
  if (place !== null) return place;
  const step = chosen();
  const behind = step && slots().find((slot) => slot.dataset.slot.endsWith(`:${step}`));
  return (behind || slots().findLast((slot) => slot.dataset.slot.startsWith(":")))?.dataset.slot ?? ":";
}

export function add(kind, slot = somewhere()) {
  leavePlace();
  post({ op: "insert", type: kind, slot }).then(() => focus(`s-${chosen()}`));
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
export const search = palette.querySelector("[data-palette-search]");
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
