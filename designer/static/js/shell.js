/* Small things that every page has: menus that close, and what to do when a request fails. */
// On a phone the pages are more than fit side by side: the open one is brought into sight.
const tabs = document.querySelector(".tabs ul");
const open = tabs?.querySelector("[aria-current]");
if (open) tabs.scrollLeft = open.offsetLeft - (tabs.clientWidth - open.offsetWidth) / 2;

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

/* An answer that is a whole page (an error, the login) never takes the place of a part of one. */
const failed = () => {
  const template = document.getElementById("failed");
  if (!template || document.querySelector(".toast")) return;
  document.body.append(template.content.cloneNode(true));
  setTimeout(() => document.querySelector(".toast")?.remove(), 6000);
};
document.addEventListener("htmx:before:swap", (event) => {
  const answer = event.detail.ctx?.response;
  if (answer && answer.status >= 400 && !answer.headers.get("X-Part")) {
    event.preventDefault();
    failed();
  }
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error?.name !== "AbortError") failed();
});
