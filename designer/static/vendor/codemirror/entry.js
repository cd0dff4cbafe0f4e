export { EditorState } from "@codemirror/state";
export { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
export { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
export { HighlightStyle, bracketMatching, syntaxHighlighting } from "@codemirror/language";
export { liquid } from "@codemirror/lang-liquid";
export { setDiagnostics } from "@codemirror/lint";
export { tags } from "@lezer/highlight";
