/* What was said is shown for a while, too. */
const said = document.getElementById("said");
const toast = document.createElement("p");
toast.className = "toast said";
toast.hidden = true;
toast.setAttribute("aria-hidden", "true");
document.body.append(toast);
let fading;
new MutationObserver(() => {
  toast.textContent = said.textContent;
  toast.hidden = !said.textContent;
  clearTimeout(fading);
  fading = setTimeout(() => { toast.hidden = true; }, 3500);
}).observe(said, { childList: true, characterData: true, subtree: true });
