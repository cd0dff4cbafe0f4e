/* Editing the canvas. */
import "./canvas/form.js";
import "./canvas/buttons.js";
import "./canvas/palette.js";
import "./canvas/drag.js";
import "./canvas/said.js";
import { mark } from "./canvas/move.js";
import { rove } from "./canvas/walk.js";

/* After every answer: what was marked is marked again. */
document.addEventListener("htmx:after:swap", () => { rove(); mark(); });
rove();
