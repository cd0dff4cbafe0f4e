/* The live tail: pausing it, keeping it short, and saying when the connection is lost. */
const KEPT = 200;
const stream = document.querySelector("[data-stream]");
const pause = document.querySelector("[data-pause]");
const waiting = document.querySelector("[data-waiting]");
const live = document.querySelector("[data-live]");
const away = document.querySelector("[data-away]");
let held = [];

const paused = () => pause.getAttribute("aria-pressed") === "true";

stream.addEventListener("htmx:sse:before:message", (event) => {
  if (!paused()) return;
  event.preventDefault();
  held.push(event.detail.message.data);
  const count = held.join("").match(/<tr /g)?.length ?? 0;
  waiting.hidden = count === 0;
  waiting.textContent = `+${count}`;
});

stream.addEventListener("htmx:sse:after:message", () => {
  const rows = document.querySelectorAll("#tail tr");
  for (const row of [...rows].slice(KEPT)) row.remove();
});

pause.addEventListener("click", () => {
  const stop = !paused();
  pause.setAttribute("aria-pressed", String(stop));
  live.hidden = stop;
  if (stop) return;
  for (const text of held) htmx.swap({ text, sourceElement: stream, target: stream, swap: "none" });
  held = [];
  waiting.hidden = true;
});

const connected = (is) => {
  live.hidden = !is || paused();
  away.hidden = is;
};
stream.addEventListener("htmx:sse:after:connection", () => connected(true));
stream.addEventListener("htmx:sse:error", () => connected(false));

document.querySelector("[data-auto]").addEventListener("change", (event) => {
  event.currentTarget.submit();
});
