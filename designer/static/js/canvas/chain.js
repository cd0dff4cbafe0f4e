/* The chain of edits: every one is a request, sent when the one before has been answered. */
import { queue, settings, unsaved } from "../open.js";
import { chosen } from "./page.js";

export { queue, settings, unsaved };

const form = document.getElementById("ops");

export function post(values) {
  return queue(async () => {
    if (!(await saved(values.op === "undo" || values.op === "redo"))) return;
    for (const name of ["op", "step", "slot", "type", "from"]) form.elements[name].value = values[name] ?? "";
    if (!values.step && values.op !== "insert") form.elements.step.value = chosen();
    await htmx.ajax("POST", form.action, { source: form, swap: "none" });
  });
}

/* What was typed into the open form is saved before anything else happens. */
export async function saved(forget = false) {
  if (!unsaved() || forget) return true;
  await send(settings());
  return !unsaved();
}

export function send(sent) {
  sent.elements.rev?.remove();
  const rev = Object.assign(document.createElement("input"), { type: "hidden", name: "rev" });
  rev.value = document.getElementById("rev").value;
  sent.append(rev);
  return htmx.ajax("POST", sent.action, { source: sent, target: "#panel", swap: "innerHTML" });
}
