/* Choosing customers of a list: all on the page, or all that the filter finds. */
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-choose]");
  if (!form) return;
  const page = form.querySelector("[data-page]");
  const all = form.querySelector("[data-all]");
  const ticks = [...form.querySelectorAll("[name=run]")];
  if (event.target === page) for (const tick of ticks) tick.checked = page.checked;
  if (event.target.name === "run") page.checked = ticks.every((tick) => tick.checked);
  if (event.target === all) {
    for (const tick of [...ticks, page]) tick.disabled = all.checked;
  }
});
