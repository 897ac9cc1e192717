// The state of every choice in the address: `#compare=EXPERIMENT&.COLUMN=VALUE&x=…`, to be shared and opened again.

const SINGLE = ["as", "x", "y", "log", "minus", "at", "measure", "find", "sort", "runs", "runsort"];
const view = makeView(new URLSearchParams());

function makeView(parts) {
  const experiment = parts.get("compare");
  const made = { experiment: experiment !== null && Object.hasOwn(data.tables, experiment) ? experiment : null, choices: {}, lines: parts.has("line") ? parts.getAll("line") : null };
  for (const [name, value] of parts) if (name[0] === ".") made.choices[name.slice(1)] = value;
  for (const name of SINGLE) made[name] = parts.get(name);
  return made;
}

function formatView() {
  const parts = new URLSearchParams([["compare", view.experiment]]);
  for (const [column, value] of Object.entries(view.choices)) parts.append(`.${column}`, value);
  for (const name of SINGLE) if (view[name] !== null && view[name] !== undefined) parts.append(name, view[name]);
  for (const line of view.lines || []) parts.append("line", line);
  return `#${parts}`;
}

function readAddress() { // whether the address holds a view; without any hash the view is that of a fresh page
  if (location.hash && !location.hash.startsWith("#compare=")) return false;
  for (const name of Object.keys(view)) delete view[name];
  Object.assign(view, makeView(new URLSearchParams(location.hash.slice(1))));
  return location.hash !== "";
}

function writeAddress(push = true) {
  const address = formatView();
  if (address === location.hash) return;
  history[push ? "pushState" : "replaceState"](null, "", address);
}
