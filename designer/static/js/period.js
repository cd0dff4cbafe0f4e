/* Choosing the time that figures are about: a preset at once, own dates when they are complete. */
const form = document.querySelector("[data-period]");
const own = form.querySelector("[data-own]");
const step = () => new URL(location.href).searchParams.get("step") ?? "";

/* Which step is open may have changed since the page came. */
function refresh() {
  if (form.elements.step) form.elements.step.value = step();
  for (const date of own.querySelectorAll("input")) date.disabled = own.hidden;
}

form.addEventListener("submit", refresh);
form.addEventListener("change", (event) => {
  if (!event.target.matches("[name=period]")) return;
  own.hidden = event.target.value !== "own";
  if (own.hidden) form.requestSubmit();
  else {
    refresh();
    own.querySelector("input").focus();
  }
});
form.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-keeps]");
  if (!link) return;
  const address = new URL(link.href);
  if (step()) address.searchParams.set("step", step());
  else address.searchParams.delete("step");
  link.href = address;
});
refresh();
