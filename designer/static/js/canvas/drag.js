/* Dragging: a step of the palette or of the tree, onto the nearest slot. On touch after a long press. */
import { post } from "./chain.js";
import { hidden, toggle } from "./fold.js";
import { moving } from "./move.js";
import { board, palette, slots, tree } from "./page.js";
import { add } from "./palette.js";
import { focus } from "./walk.js";

let drag = null;
export let dragged = false; // whether the click that comes now only ends a drag

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
  linger(x, y);
  let best = null;
  let least = 110;
  for (const slot of slots()) {
    if (hidden(slot)) continue;
    if (drag.step && slot.closest(`#l-${CSS.escape(drag.step)}`) && !slot.dataset.slot.endsWith(`:${drag.step}`)) continue;
    const at = slot.getBoundingClientRect();
    const far = Math.hypot(at.left + at.width / 2 - x, at.top + at.height / 2 - y);
    if (far < least) [best, least] = [slot, far];
  }
  tree().querySelector(".slot.near")?.classList.remove("near");
  best?.classList.add("near");
  drag.slot = best?.dataset.slot;
}

/* What is collapsed opens when something is held over it for a moment. */
function linger(x, y) {
  const over = document.elementFromPoint(x, y)?.closest(".folded > .fold") ?? null;
  if (over === drag.over) return;
  clearTimeout(drag.opening);
  drag.over = over;
  if (over) drag.opening = setTimeout(() => toggle(over), 500);
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
  clearTimeout(drag?.opening);
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
