/* The document's editor: line numbers, tabs and indents, jumping to a mistake, nothing lost. */
const form = document.querySelector("[data-editor]");
const text = form.querySelector("textarea");
const gutter = form.querySelector("[data-gutter]");
const unsaved = form.querySelector("[data-unsaved]");
const asOpened = form.dataset.editor === "unsaved" ? null : text.value;
let leaving = false;
let escaped = false;

function marks() {
  const found = new Map();
  for (const problem of document.querySelectorAll(".problem[data-line]")) {
    const kind = problem.classList.contains("bad") ? "bad" : "warn";
    if (found.get(problem.dataset.line) !== "bad") found.set(problem.dataset.line, kind);
  }
  return found;
}

function number() {
  const lines = text.value.split("\n").length;
  const here = text.value.slice(0, text.selectionStart).split("\n").length;
  const marked = marks();
  const numbers = document.createDocumentFragment();
  for (let line = 1; line <= lines; line += 1) {
    const span = document.createElement("span");
    span.textContent = line;
    span.className = marked.get(String(line)) ?? (line === here ? "now" : "");
    numbers.append(span);
  }
  gutter.replaceChildren(numbers);
  gutter.scrollTop = text.scrollTop;
  unsaved.hidden = text.value === asOpened && !form.querySelector("[role=alert]");
}

function jump(line) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 4) * height);
}

/* execCommand keeps the browser's own undo. */
const type = (value) => document.execCommand("insertText", false, value);

text.addEventListener("keydown", (event) => {
  const { selectionStart: from, selectionEnd: to, value } = text;
  const begin = value.lastIndexOf("\n", from - 1) + 1;
  const leaves = escaped;
  if (event.key !== "Shift") escaped = event.key === "Escape"; // then Tab leaves: the way out by keyboard
  if (event.key === "Tab" && !leaves && !event.ctrlKey && !event.altKey && !event.metaKey) {
    event.preventDefault();
    if (from === to && !event.shiftKey) {
      type("  ");
      return;
    }
    const block = value.slice(begin, to);
    const moved = event.shiftKey ? block.replace(/^ {1,2}/gm, "") : block.replace(/^(?=.)/gm, "  ");
    if (moved === block) return;
    text.setSelectionRange(begin, to);
    type(moved);
    text.setSelectionRange(from === to ? begin + moved.length : begin, begin + moved.length);
  } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
    const indent = value.slice(begin, from).match(/^ *(- )?/)[0].replace("- ", "  ");
    if (indent) {
      event.preventDefault();
      type(`\n${indent}`);
    }
  } else if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

for (const event of ["input", "keyup", "click"]) text.addEventListener(event, number);
text.addEventListener("blur", () => { escaped = false; });
text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
document.addEventListener("htmx:after:swap", number);
document.addEventListener("click", (event) => {
  const problem = event.target.closest(".problem[data-line]");
  if (problem) jump(Number(problem.dataset.line));
});
form.addEventListener("submit", () => { leaving = true; });
addEventListener("beforeunload", (event) => {
  if (!leaving && !unsaved.hidden) event.preventDefault();
});
number();
