/* Moving a step to another place, without dragging. */
import { post } from "./chain.js";
import { hidden } from "./fold.js";
import { board, slots, tree } from "./page.js";
import { place } from "./palette.js";
import { focus, focusOn } from "./walk.js";

export let moving = null; // the step that is being moved

export function startMove(step) {
  moving = step;
  mark();
  const all = slots().filter((slot) => !hidden(slot));
  const behind = all.findIndex((slot) => slot.dataset.slot.endsWith(`:${step}`));
  focusOn(all[Math.max(0, behind)]);
}

export function drop(slot) {
  const step = moving;
  moving = null;
  mark();
  post({ op: "move", step, slot }).then(() => focus(`s-${step}`));
}

export function leaveMove() {
  const step = moving;
  moving = null;
  mark();
  focus(`s-${step}`);
}

/* Shows in the tree which place is chosen, and which step is on the move. */
export function mark() {
  for (const slot of slots()) {
    slot.classList.toggle("chosen", slot.dataset.slot === place);
  }
  board.classList.toggle("moving", moving !== null);
  tree().querySelector(".step-card.moved")?.classList.remove("moved");
  if (moving) document.getElementById(`s-${moving}`)?.classList.add("moved");
}
