/* Editing the canvas. */
import "./canvas/form.js";
import "./canvas/buttons.js";
import "./canvas/palette.js";
import "./canvas/drag.js";
import "./canvas/said.js";
import { mark } from "./canvas/move.js";
import { rove } from "./canvas/walk.js";

/* In a new tree what was marked is marked again. */
document.addEventListener("htmx:before:settle", (event) => {
  if (event.target.id !== "tree") return;
  rove();
  mark();
});
rove();
