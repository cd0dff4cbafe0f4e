/* The canvas: its size, dragging it about, and which card is chosen. */
const board = document.querySelector("[data-board]");
const zoomed = document.querySelector("[data-zoomed]");
const shown = document.querySelector("[data-zoom-shown]");
const steps = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.15, 1.3, 1.5];
const desk = matchMedia("(min-width: 60rem)");
let size = 1;

const drawn = () => desk.matches && !board.classList.contains("outline");

function set(next) {
  const middle = [
    (board.scrollLeft + board.clientWidth / 2) / size,
    (board.scrollTop + board.clientHeight / 2) / size,
  ];
  size = Math.min(1.5, Math.max(0.3, next));
  zoomed.style.zoom = size;
  shown.textContent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" }).format(size);
  board.scrollLeft = middle[0] * size - board.clientWidth / 2;
  board.scrollTop = middle[1] * size - board.clientHeight / 2;
}

function fit() {
  if (!drawn()) {
    zoomed.style.zoom = "";
    return;
  }
  zoomed.style.zoom = 1;
  const tree = document.getElementById("tree");
  tree.classList.add("measured"); // the whole of it, as large as it is
  const space = getComputedStyle(board);
  const width = board.clientWidth - parseFloat(space.paddingLeft) - parseFloat(space.paddingRight);
  const height = board.clientHeight - parseFloat(space.paddingTop) - parseFloat(space.paddingBottom)
    - (board.querySelector(".over")?.offsetHeight ?? 0);
  // Below half its size nobody can read it: the rest is a matter of scrolling.
  set(Math.max(0.5, Math.min(1, width / tree.offsetWidth, height / tree.offsetHeight)));
  // Smaller letters may break lines elsewhere: look again, at most a few times.
  for (let n = 0; n < 6 && size < 1 && size > 0.51 && board.scrollHeight > board.clientHeight; n += 1) {
    set(size * 0.985);
  }
  tree.classList.remove("measured");
  board.scrollTop = 0;
  board.scrollLeft = (board.scrollWidth - board.clientWidth) / 2;
}

document.querySelector("[data-zoom-buttons]").addEventListener("click", (event) => {
  switch (event.target.closest("[data-zoom]")?.dataset.zoom) {
    case "in": return set(steps.find((step) => step > size + 0.01) ?? 1.5);
    case "out": return set(steps.findLast((step) => step < size - 0.01) ?? 0.3);
    case "fit": return fit();
  }
});

board.addEventListener("wheel", (event) => {
  if (!event.ctrlKey || !drawn()) return;
  event.preventDefault();
  set(size * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
}, { passive: false });

/* Dragging the ground moves it. */
let held = null;
board.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || event.pointerType !== "mouse" || !drawn()) return;
  if (event.target.closest("button, a")) return;
  held = { x: event.clientX, y: event.clientY, left: board.scrollLeft, top: board.scrollTop };
  board.setPointerCapture(event.pointerId);
  board.classList.add("grabbing");
});
board.addEventListener("pointermove", (event) => {
  if (!held) return;
  board.scrollLeft = held.left - (event.clientX - held.x);
  board.scrollTop = held.top - (event.clientY - held.y);
});
for (const end of ["pointerup", "pointercancel"]) {
  board.addEventListener(end, () => {
    held = null;
    board.classList.remove("grabbing");
  });
}

/* The chosen card shows itself at once; its panel follows. */
document.addEventListener("click", (event) => {
  const card = event.target.closest("button[form=choose]");
  if (!card) return;
  for (const other of document.querySelectorAll("#tree button[aria-pressed]")) {
    other.setAttribute("aria-pressed", String(other.value === card.value));
  }
});

desk.addEventListener("change", fit);
addEventListener("resize", fit);
fit();
