/* Buttons that edit, in the toolbar and the panel. */
import { post } from "./chain.js";
import { copy } from "./clipboard.js";
import { startMove } from "./move.js";

export function act(event) {
  const button = event.target.closest("[data-op]");
  if (!button) return;
  const { op, step, slot, type } = button.dataset;
  if (op === "start-move") return startMove(step);
  if (op === "copy") return copy(step);
  post({ op, step, slot, type });
}
document.querySelector(".toolbar").addEventListener("click", act);
