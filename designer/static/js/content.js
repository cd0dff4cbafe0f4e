/* The templates' editor: a code editor with marked mistakes, live previews, nothing lost. */
const form = document.querySelector("[data-content]");
const source = form.querySelector("[data-code]");
const preview = document.getElementById("preview");
const unsaved = form.querySelector("[data-unsaved]");
const names = new Set(["name", "subject", "preheader", "body", "text", "link", "image", "approved", "fields"]);
const written = () => JSON.stringify([...new FormData(form)].filter(([name]) => names.has(name)));
const asOpened = written();
let leaving = false;
let soon;

function changed() {
  unsaved.hidden = written() === asOpened && !form.querySelector("[role=alert]");
  clearTimeout(soon);
  soon = setTimeout(() => preview.dispatchEvent(new CustomEvent("preview")), 400);
}

form.addEventListener("input", (event) => { if (names.has(event.target.name)) changed(); });
form.addEventListener("keydown", (event) => {
  if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Enter" && ["q", "to", "add"].includes(event.target.name)) {
    event.preventDefault(); // these are no part of what is saved
    if (event.target.name !== "q") event.target.nextElementSibling.click();
  }
});
form.addEventListener("click", (event) => {
  const person = event.target.closest("[data-customer]");
  if (!person) return;
  form.elements.customer.value = person.dataset.customer;
  form.elements.q.value = "";
  document.getElementById("people").replaceChildren();
  preview.dispatchEvent(new CustomEvent("preview"));
});
form.addEventListener("submit", () => { leaving = true; });
addEventListener("beforeunload", (event) => {
  if (!leaving && !unsaved.hidden) event.preventDefault();
});
unsaved.hidden = !form.querySelector("[role=alert]");

/* The desktop's frame is as wide as a desktop's window, and shown as small as the place is. */
function fit() {
  const device = preview.querySelector(".device.desktop");
  const frame = device?.querySelector("iframe");
  if (!frame) return;
  const zoom = Math.min(1, device.clientWidth / 764);
  frame.style.zoom = zoom;
  frame.style.height = `calc(34rem / ${zoom})`;
}
document.addEventListener("htmx:after:swap", () => requestAnimationFrame(fit));
new ResizeObserver(fit).observe(preview);

/* In a shadow root the editor's styles are adopted sheets, which a strict policy allows. */
const bundle = document.querySelector("script[data-codemirror]").dataset.codemirror;
const { EditorState, EditorView, HighlightStyle, bracketMatching, defaultKeymap, drawSelection, highlightActiveLine,
  history, historyKeymap, indentWithTab, keymap, lineNumbers, liquid, setDiagnostics, syntaxHighlighting, tags } = await import(bundle);
const colours = HighlightStyle.define([
  { tag: [tags.tagName, tags.keyword, tags.controlKeyword], color: "var(--k-message)" },
  { tag: [tags.attributeName, tags.propertyName], color: "var(--k-time)" },
  { tag: [tags.string, tags.attributeValue], color: "var(--good)" },
  { tag: [tags.variableName, tags.special(tags.variableName)], color: "var(--k-logic)" },
  { tag: tags.comment, color: "var(--muted)" },
]);
const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "0.8125rem", height: `${source.rows * 1.45}rem` },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.375rem" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--bg)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  ".cm-activeLineGutter": { color: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line)" },
});
const box = document.createElement("div");
box.className = "code-box";
source.after(box);
const view = new EditorView({
  parent: box.attachShadow({ mode: "open" }),
  root: box.shadowRoot,
  state: EditorState.create({
    doc: source.value,
    extensions: [
      lineNumbers(), history(), drawSelection(), bracketMatching(), highlightActiveLine(), EditorView.lineWrapping,
      keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
      liquid(), syntaxHighlighting(colours), look,
      EditorView.contentAttributes.of({
        "aria-label": document.getElementById(`${source.name}-label`).textContent,
        "aria-description": source.closest("[data-field]").querySelector(".hint")?.textContent ?? "",
        spellcheck: "false",
      }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        source.value = update.state.doc.toString();
        changed();
      }),
    ],
  }),
});
source.hidden = true;
document.getElementById(`${source.name}-label`).addEventListener("click", () => view.focus());

function mark() {
  const fault = form.querySelector(`[data-fault="${source.name}"][data-line]`);
  const found = [];
  if (fault && Number(fault.dataset.line) <= view.state.doc.lines) {
    const { from, to } = view.state.doc.line(Number(fault.dataset.line));
    found.push({ from, to, severity: "error", message: fault.textContent.trim() });
  }
  view.dispatch(setDiagnostics(view.state, found));
}
document.addEventListener("htmx:after:swap", mark);
mark();
