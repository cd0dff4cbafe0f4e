/* A walk: after each choice the eye and the focus are where it went on; a sentence shows its step. */
const panel = document.getElementById("panel");
const board = document.querySelector("[data-board]");
const desk = matchMedia("(min-width: 60rem)");

/* On a phone the canvas lies below: there the page stays where the story is told. */
function bring(card) {
  if (!card || !desk.matches) return;
  const there = card.getBoundingClientRect();
  const space = board.getBoundingClientRect();
  if (there.top < space.top || there.bottom > space.bottom) {
    board.scrollTop += there.top - space.top - (space.height - there.height) / 2;
  }
  if (there.left < space.left || there.right > space.right) {
    board.scrollLeft += there.left - space.left - (space.width - there.width) / 2;
  }
}

const stands = () => bring(document.querySelector(".step-card.here"));

document.addEventListener("htmx:after:swap", () => requestAnimationFrame(() => {
  (panel.querySelector("[data-focus]") ?? panel.querySelector("[aria-invalid=true]"))?.focus();
  stands();
}));

/* Without this script the server marks the step; with it, nothing has to be asked. */
document.addEventListener("click", (event) => {
  const asked = event.target.closest("button[form=choose][name=step]");
  if (!asked) return;
  event.preventDefault();
  for (const told of panel.querySelectorAll(".told")) {
    told.closest("li").classList.toggle("chosen", told.value === asked.value);
  }
  if (asked.closest("#panel")) bring(document.getElementById(`s-${asked.value}`));
  else panel.querySelector("li.chosen")?.scrollIntoView({ block: "nearest" });
});

requestAnimationFrame(stands);
