/* Buttons that edit, in the toolbar and the panel. */
import { post } from "./chain.js";
import { copy } from "./clipboard.js";
import { startMove } from "./move.js";
import { chosen } from "./page.js";
import { focus } from "./walk.js";

export function act(event) {
  const button = event.target.closest("button[data-op]");
  if (!button) return;
  const { op, step, slot, type } = button.dataset;
  if (op === "start-move") return startMove(step);
  if (op === "copy") return copy(step);
  const done = post({ op, step, slot, type });
  if (button.closest("#panel")) done.then(() => focus(`s-${chosen()}`));
}
document.querySelector(".toolbar").addEventListener("click", act);
