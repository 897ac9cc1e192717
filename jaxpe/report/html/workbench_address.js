// The state of every choice in the address: `#compare=EXPERIMENT&.COLUMN=VALUE&x=…`, to be shared and opened again. A link to a
// part of the page becomes one more entry, `to`, so that it does not replace the choices.

const SINGLE = ["as", "x", "y", "log", "minus", "at", "measure", "order", "first", "second", "find", "sort", "runs", "runsort", "diverged", "to"];
const view = makeView(new URLSearchParams());
const wanted = { lines: null, minus: null }; // what a reader ticked and compared with, also while it is not in the view
const announced = { asked: null }; // what the last choice or the address asked for

function makeView(parts) {
  const experiment = parts.get("compare");
  const made = { experiment: experiment !== null && Object.hasOwn(data.tables, experiment) ? experiment : null, choices: {}, lines: parts.has("line") ? parts.getAll("line") : null };
  for (const [name, value] of parts) if (name[0] === ".") made.choices[name.slice(1)] = value;
  for (const name of SINGLE) made[name] = parts.get(name);
  return made;
}

function formatView(own = view) {
  const parts = new URLSearchParams([["compare", own.experiment]]);
  for (const [column, value] of Object.entries(own.choices)) parts.append(`.${column}`, value);
  for (const name of SINGLE) if (own[name] !== null && own[name] !== undefined) parts.append(name, own[name]);
  for (const line of own.lines || []) parts.append("line", line);
  parts.append("lang", root.dataset.language);
  return `#${parts}`;
}

function readAddress() { // whether the address holds a view; without any hash the view is that of a fresh page
  if (location.hash && !location.hash.startsWith("#compare=")) return false;
  for (const name of Object.keys(view)) delete view[name];
  Object.assign(view, makeView(new URLSearchParams(location.hash.slice(1))));
  Object.assign(wanted, { lines: view.lines, minus: view.minus });
  announced.asked = null;
  return location.hash !== "";
}

function writeAddress(push = true) {
  const address = formatView();
  if (address === location.hash) return;
  history[push ? "pushState" : "replaceState"](null, "", address);
}

const IN_LISTS = { find: "numbers", measure: "numbers", sort: "numbers", runs: "runs", runsort: "runs", diverged: "runs" };
let arriving = false; // whether the place that the address names is still to be shown

function followAddress() {
  arriving = readAddress();
  const language = readLanguage();
  if (language && language !== root.dataset.language) choose(language);
  if (arriving || !location.hash) drawAll();
  else goTo(document.getElementById(decodeURIComponent(location.hash.slice(1))));
}

function arrive() { // once what the address asks for is drawn
  if (!arriving) return;
  arriving = false;
  for (const [name, section] of Object.entries(IN_LISTS)) if (view[name]) document.getElementById(`${section}-list`).open = true;
  if (view.to) goTo(document.getElementById(view.to));
  else document.getElementById("compare").scrollIntoView();
}

function goTo(target) { // opens what it is in, and moves there with the focus
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  if (!target) return;
  const place = target.tagName === "DETAILS" ? target.querySelector("summary") : target;
  if (place === target) place.setAttribute("tabindex", -1);
  place.focus({ preventScroll: true });
  target.scrollIntoView();
}

document.addEventListener("click", (event) => { // after the button's own listener
  if (event.target.closest("[data-choose]") && view.experiment) writeAddress(false);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']:not([href^='#compare='])");
  if (!link || !view.experiment || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  view.to = decodeURIComponent(link.getAttribute("href").slice(1));
  writeAddress();
  goTo(document.getElementById(view.to));
});
