// A file goes to the server as it is, with how much of it is there; columns hide what they need not.
const upload = document.querySelector("[data-upload]");

function refuse(sentence) {
  const wrong = upload.querySelector("#file-wrong");
  wrong.textContent = sentence;
  wrong.hidden = !sentence;
  upload.querySelector("#file").toggleAttribute("aria-invalid", Boolean(sentence));
}

function fail() {
  const toast = document.querySelector("#failed");
  if (toast) document.body.append(toast.content.cloneNode(true));
}

function send(file) {
  const bar = upload.querySelector("progress");
  const button = upload.querySelector("button");
  const request = new XMLHttpRequest();
  const asked = new URLSearchParams({ kind: upload.elements.kind.value, name: file.name });
  const rest = () => {
    bar.hidden = true;
    button.disabled = false;
  };
  request.open("POST", `${upload.getAttribute("action")}?${asked}`);
  request.setRequestHeader("X-CSRF-Token", upload.elements.csrf.value);
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total;
  });
  request.addEventListener("error", () => {
    rest();
    fail();
  });
  request.addEventListener("load", () => {
    if (request.status === 201) {
      location.assign(request.getResponseHeader("Location"));
      return;
    }
    rest();
    const kind = request.getResponseHeader("Content-Type") ?? "";
    if (kind.startsWith("text/plain")) refuse(request.responseText);
    else fail();
  });
  bar.hidden = false;
  button.disabled = true;
  request.send(file);
}

if (upload) {
  upload.addEventListener("submit", (event) => {
    event.preventDefault();
    const [file] = upload.querySelector("#file").files;
    refuse("");
    if (!file) refuse(upload.dataset.none);
    else if (file.size > Number(upload.dataset.limit)) refuse(upload.dataset.large);
    else send(file);
  });
}

const columns = document.querySelector("[data-columns]");

function fit(select) {
  const needs = columns.dataset.named.split(" ").includes(select.value);
  const row = select.closest("tr");
  row.querySelector("input").hidden = !needs;
  row.querySelector('[name^="as."]').hidden = !(
    ["trait", "property", "timestamp"].includes(select.value)
  );
}

if (columns) {
  for (const select of columns.querySelectorAll('[name^="to."]')) {
    fit(select);
    select.addEventListener("change", () => fit(select));
  }
}
