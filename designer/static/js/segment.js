/* The builder of a segment, on a page of its own. */
import "./rows.js";
import { panel, settings } from "./open.js";

document.addEventListener("submit", (event) => {
  if (event.target === settings()) event.target.removeAttribute("data-unsaved"); // it is leaving, to be saved or shown as a file
});
panel.addEventListener("keydown", (event) => {
  if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  settings().requestSubmit();
});
