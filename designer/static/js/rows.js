/* A form with rows: another one, one less, or another kind of one draws it anew as it stands. */
import { panel, queue, settings, unsaved } from "./open.js";

export function changed() {
  const open = settings();
  open.setAttribute("data-unsaved", "");
  open.querySelector("[data-changed]").hidden = false;
}

export function again(what) {
  changed();
  return queue(async () => {
    const open = settings(); // as the answer before has left it
    const asked = Object.assign(document.createElement("input"), { type: "hidden", name: "what", value: what });
    open.append(asked);
    await htmx.ajax("POST", open.dataset.rows, { source: open, target: "#panel", swap: "innerHTML" });
    asked.remove();
  });
}

panel.addEventListener("input", (event) => {
  if (event.target.closest("[data-settings]")) changed();
});
panel.addEventListener("change", (event) => {
  if (event.target.matches("select[data-again]")) again("show");
});
panel.addEventListener("click", (event) => {
  const more = event.target.closest("button[data-again]");
  if (more) again(more.dataset.again);
});
addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });
