/* A part of the page that is drawn anew takes nothing away from whoever works in it: the keyboard
   stands where it stood, the same tab is open, and what was typed meanwhile is still there. */
const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [tabindex]";
const shown = (one) => one.tabIndex >= 0 && !one.disabled && one.getClientRects().length > 0;
const reachable = (within) => [...within.querySelectorAll(FOCUSABLE)].filter(shown);
const form = () => document.getElementById("settings");
const escaped = (text) => CSS.escape(text);

let stood = null;
let asked = null;
let typed = [];

/* What finds the same control again, in the order of trust. */
function selectors(one) {
  const found = [];
  const data = one.dataset;
  if (one.id) found.push(`#${escaped(one.id)}`);
  if (data.again) found.push(`[data-again="${escaped(data.again)}"]`);
  if (data.op) found.push(`[data-op="${escaped(data.op)}"]`);
  if (one.name) found.push(`${one.localName}[name="${escaped(one.name)}"]`);
  if (one.type === "submit" && one.form?.hasAttribute("id")) {
    found.push(`#${escaped(one.form.getAttribute("id"))} button[type=submit]:not([form])`);
  }
  return found;
}

function note(one) {
  const region = one.parentElement?.closest("[id]") ?? document.body;
  const outer = one.closest("#panel") ?? region;
  const wanted = selectors(one);
  const nth = one.name ? [...document.querySelectorAll(wanted.at(-1))].indexOf(one) : 0;
  return { one, wanted, nth, region: outer.id, place: reachable(outer).indexOf(one), again: one.dataset.again ?? "",
    card: one.getAttribute("form") === "choose" ? `s-${one.value}` : "" };
}

/* A row that was added is begun with; after one that was taken away comes the next. */
function ofRow(again) {
  const [what, path] = again.split(" ");
  if (what === "add") {
    const names = [...form().querySelectorAll(`[name^="${escaped(path)}."]`)].map((one) => one.name);
    const last = Math.max(-1, ...names.map((name) => Number(name.slice(path.length + 1).split(".")[0])));
    if (path === "variants") return form().querySelector(`#t-${last > 1 ? last : 0}`); // a test begins with two
    return [...form().querySelectorAll(`[name^="${escaped(`${path}.${last}.`)}"]`)].find(shown);
  }
  if (what !== "drop" && what !== "raise") return null;
  const list = path.slice(0, path.lastIndexOf("."));
  const before = `${list}.${Number(path.slice(list.length + 1)) - 1}`;
  const same = what === "raise" ? [`${what} ${before}`] : [again, `${what} ${before}`];
  const buttons = same.map((one) => form().querySelector(`[data-again="${escaped(one)}"]`));
  return buttons.find((one) => one && shown(one)) ?? form().querySelector(`[data-again^="add ${escaped(list)}"]`);
}

function twin() {
  const row = stood.again && form() ? ofRow(stood.again) : null;
  if (row) return row;
  for (const wanted of stood.wanted) {
    const all = [...document.querySelectorAll(wanted)].filter(shown);
    const found = all[Math.min(stood.nth, all.length - 1)];
    if (found) return found;
  }
  if (stood.card) return document.getElementById(stood.card);
  const region = document.getElementById(stood.region) ?? document.getElementById("main");
  const all = reachable(region);
  return all[Math.min(Math.max(0, stood.place), all.length - 1)];
}

/* Fields, their names and values. */
const fields = (of) => [...of.elements].filter((one) => one.name && one.type !== "hidden");
const valueOf = (one) => (one.type === "checkbox" ? String(one.checked) : one.value);
function values(of) {
  const seen = {};
  return fields(of).map((one) => {
    seen[one.name] = (seen[one.name] ?? -1) + 1;
    return [one.name, seen[one.name], valueOf(one)];
  });
}
const tab = (of) => [...(of?.querySelectorAll("[role=tab]") ?? [])].findIndex((one) => one.ariaSelected === "true");

document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement === form()) asked = { ctx, values: values(form()) };
});

document.addEventListener("htmx:before:swap", (event) => {
  const one = document.activeElement;
  const open = form();
  const step = open?.elements.chosen.value;
  stood = one && one !== document.body ? { ...note(one), step, tab: tab(open) } : null;
  typed = [];
  if (!open || asked?.ctx !== event.detail.ctx || asked.ctx.sourceElement !== open) return;
  const before = new Map(asked.values.map(([name, n, value]) => [`${name} ${n}`, value]));
  const later = ([name, n, value]) => (before.get(`${name} ${n}`) ?? value) !== value;
  typed = [{ step }, ...values(open).filter(later)];
});

document.addEventListener("htmx:after:swap", () => {
  const step = form()?.elements.chosen.value;
  const [of, ...fresh] = typed;
  if (of && of.step === step) fresh.forEach(type);
  typed = [];
  if (!stood) return;
  const turned = stood.tab > 0 && stood.step === step && tab(form()) === 0;
  if (turned) document.getElementById(`t-${stood.tab}`)?.click();
  if (stood.one.isConnected && shown(stood.one)) return turned ? stood.one.focus() : undefined;
  if (!turned && document.activeElement !== document.body) return;
  const found = twin();
  if (found?.getAttribute("role") === "tab") found.click();
  found?.focus();
});

function type([name, n, value]) {
  const one = fields(form()).filter((field) => field.name === name)[n];
  if (!one || valueOf(one) === value) return;
  if (one.type === "checkbox") one.checked = value === "true";
  else one.value = value;
  one.dispatchEvent(new Event("input", { bubbles: true }));
}
