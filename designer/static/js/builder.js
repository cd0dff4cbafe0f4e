/* The condition builder: names and operators that fit what is asked, and what it says meanwhile. */
import { panel, settings as form } from "./open.js";

let open = null;     // the form that is shown
let steps = null;    // what can be asked of the steps that came before
const lexicon = JSON.parse(document.getElementById("lexicon").dataset.lexicon); // names in the shop's data, and their kinds
const waiting = new Map();

const field = (rule, name) => form().elements[`${rule.dataset.rule}.${name}`]?.value.trim() ?? "";
const properties = (event) => lexicon.properties[event] ?? {};

/* The names that a field may take, each with the kind of its values. */
const NAMES = {
  property: (rule) => properties(rule.dataset.event),
  of: (rule) => properties(field(rule, "event")),
  kept: (rule) => steps.kept[field(rule, "step")] ?? {},
  outcome: (rule) => Object.fromEntries((steps.outcomes[field(rule, "step")] ?? []).map((name) => [name, ""])),
};

function kindOf(rule) {
  switch (rule.dataset.kind) {
    case "trait": return lexicon.traits[field(rule, "trait")];
    case "property": return NAMES.property(rule)[field(rule, "property")];
    case "result": return NAMES.kept(rule)[field(rule, "name")];
    case "value":
      return ["first", "last"].includes(field(rule, "made")) ? NAMES.of(rule)[field(rule, "of")] : "number";
    default: return "";
  }
}

function fit(rule) {
  const kind = kindOf(rule);
  const own = (one) => one.closest("[data-rule]") === rule;
  for (const operator of [...rule.querySelectorAll("[data-compares]")].filter(own)) {
    for (const option of operator.options) {
      const fits = !kind || !option.dataset.fits || option.dataset.fits.split(" ").includes(kind);
      option.hidden = option.disabled = !fits && !option.selected;
    }
  }
  for (const value of [...rule.querySelectorAll("[data-value]")].filter(own)) {
    if (kind === "yes_no") value.setAttribute("list", "yes-no");
    else value.removeAttribute("list");
  }
}

function show() {
  if (form() === open) return;
  open = form();
  if (!open) return;
  steps = JSON.parse(open.dataset.lexicon ?? "null") ?? { kept: {}, outcomes: {} };
  open.querySelectorAll("[data-rule]").forEach(fit);
  const language = document.getElementById("as-language");
  if (language && [...language.options].some((option) => option.value === as("locale").value)) {
    language.value = as("locale").value;
  }
}

/* What is said is asked for again when the typing rests. */
function later(place, what) {
  clearTimeout(waiting.get(what));
  waiting.set(what, setTimeout(() => place.isConnected && place.dispatchEvent(new CustomEvent(what)), 400));
}

panel.addEventListener("input", (event) => {
  if (!event.target.closest("[data-settings]")) return;
  const rule = event.target.closest("[data-rule]");
  if (rule) fit(rule);
  const says = event.target.closest(".builder")?.querySelector(":scope > [data-says]");
  if (says) later(says, "says");
  const preview = document.getElementById("as-received");
  if (preview) later(preview, "preview");
});
panel.addEventListener("focusin", (event) => {
  const names = NAMES[event.target.dataset?.names];
  const rule = event.target.closest("[data-rule]");
  if (!names || !rule) return;
  const options = Object.keys(names(rule)).map((value) => Object.assign(document.createElement("option"), { value }));
  document.getElementById("names").replaceChildren(...options);
});

/* The preview of a message: for whom, in which language, and which version is turned up. What was
   chosen is kept beside the panel, for the next message. */
const as = (name) => document.querySelector(`#as [name=${name}]`);
const received = () => document.getElementById("as-received");
const again = () => received().dispatchEvent(new CustomEvent("preview"));
panel.addEventListener("click", (event) => {
  const person = event.target.closest("[data-customer]");
  const tab = event.target.closest(".received [role=tab]");
  if (tab) as("turned").value = tab.dataset.version;
  const typed = event.target.closest("[data-settings] [role=tab]"); // the version that is being written
  if (typed && received()) {
    as("turned").value = form().elements[`variants.${typed.id.slice(2)}.id`].value;
    again();
  }
  if (!person) return;
  as("customer").value = person.dataset.customer;
  document.getElementById("as-whom").value = "";
  document.getElementById("people").replaceChildren();
  again();
});
panel.addEventListener("change", (event) => {
  if (event.target.id !== "as-language") return;
  as("locale").value = event.target.value;
  again();
});
document.addEventListener("htmx:after:swap", show);
show();
