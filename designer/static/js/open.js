/* The form that is open, in a journey's panel or on a page of its own. What is asked because of it is
   asked one after the other, each when the one before has been answered. */
export const panel = document.getElementById("panel");
export const settings = () => panel.querySelector("[data-settings]");
export const unsaved = () => settings()?.hasAttribute("data-unsaved");

let chain = Promise.resolve();
let waiting = 0; // how many of them have not been answered

export function queue(work) {
  waiting += 1;
  panel.setAttribute("aria-busy", "true");
  chain = chain.then(work).catch(() => {}).finally(() => {
    waiting -= 1;
    if (!waiting) panel.removeAttribute("aria-busy");
  });
  return chain;
}
