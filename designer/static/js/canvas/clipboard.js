/* Copying and pasting steps, also into another journey. */
import { post } from "./chain.js";
import { chosen, journey, palette } from "./page.js";
import { leavePlace, somewhere } from "./palette.js";
import { focus } from "./walk.js";

const CLIPBOARD = "parcours.copied";
export function copy(step) {
  copyQuietly(step);
  palette.querySelector("[data-paste]").focus({ preventScroll: true });
}

export function paste(slot = somewhere()) {
  const copied = JSON.parse(localStorage.getItem(CLIPBOARD) ?? "null");
  if (!copied) return;
  leavePlace();
  post({ op: "paste", ...copied, slot }).then(() => focus(`s-${chosen()}`));
}

function showPaste() {
  palette.querySelector("[data-paste]").hidden = !localStorage.getItem(CLIPBOARD);
}
addEventListener("storage", showPaste);
showPaste();

export function copyQuietly(step) {
  localStorage.setItem(CLIPBOARD, JSON.stringify({ from: journey, step }));
  showPaste();
}
