/* The chosen message is marked in the list; on a phone it takes the list's place. */
document.addEventListener("htmx:after:swap", (event) => {
  const link = event.detail.ctx?.sourceElement;
  if (!link?.matches?.("[data-mail]")) return;
  for (const other of document.querySelectorAll("[data-mail][aria-current]")) {
    other.removeAttribute("aria-current");
  }
  link.setAttribute("aria-current", "true");
  document.querySelector(".outbox-page").classList.add("reads");
  if (matchMedia("(max-width: 59.99rem)").matches) scrollTo(0, 0);
});
