// A file that is chosen or dropped is read here, so that its text can be looked at and mended.
const input = document.querySelector("[data-file]");
const text = document.querySelector("#text");

async function take(file) {
  if (file) text.value = await file.text();
}

if (input && text) {
  input.closest("[hidden]")?.removeAttribute("hidden");
  input.addEventListener("change", () => take(input.files[0]));
  text.addEventListener("dragover", (event) => event.preventDefault());
  text.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
}
