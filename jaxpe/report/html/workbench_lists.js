// Lists with a filter: the rows of an experiment's table as they are stored, and the training runs behind them.

const STEP = 100; // rows that are added at a time
const holdsText = (column) => column === "configuration" || NOTES.has(column); // which wraps

function makeSortHeader(label, down, sort) {
  return element("th", { scope: "col", "aria-sort": down === null ? "none" : down ? "descending" : "ascending" }, element("button", { type: "button", "aria-label": say("sort", { column: label }), onclick: sort }, label));
}

// A code beside its word in the row where the column has it first, so that both can be looked up.
function explainCodes(columns, numeric, rows) {
  const seen = new Set();
  return rows.map((row) => row.map((cell, i) => {
    const key = `${i} ${cell}`;
    if (cell === "" || columns[i] === "experiment" || numeric.has(columns[i]) || seen.has(key)) return cell;
    seen.add(key);
    const named = nameWithCode(columns[i], cell);
    return named.includes(cell) ? named : cell; // a word that is its code in other signs says nothing more
  }));
}

// A table of rows of texts with a text filter. `keep` stores the filter and the order in the view; `empty` is said of no rows.
function makeList({ id, columns, labels, numeric, rows, find, sort, keep, file, note, empty = () => say("no_rows"), more: extra = [] }) {
  let limit = STEP;
  const [count, body] = [element("span", { class: "quiet", "aria-live": "polite" }), element("div")];
  const input = element("input", { type: "search", id: `${id}-find`, value: find || "", oninput: () => { find = input.value; limit = STEP; keep({ find, sort }, false); fill(); } });
  const listed = () => {
    const words = (find || "").replaceAll("−", "-").toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) => words.every((word) => row.some((cell) => cell.toLowerCase().includes(word))));
    const [down, column] = [sort?.[0] === "-", columns.indexOf((sort || "").replace(/^-/, ""))];
    if (column < 0) return found;
    const order = (a, b) => (a[column] === "") - (b[column] === "") || (down ? -1 : 1) * (numeric.has(columns[column]) ? a[column] - b[column] : a[column].localeCompare(b[column]));
    return found.toSorted(order);
  };
  function fill() {
    const found = listed();
    count.textContent = say("of_rows", { found: found.length, all: rows.length });
    const sortBy = (column) => { sort = sort === column ? `-${column}` : column; keep({ find, sort }, true); fill(); body.querySelectorAll("th button")[columns.indexOf(column)].focus(); };
    const head = columns.map((column, i) => makeSortHeader(labels[i], (sort || "").replace(/^-/, "") === column ? sort[0] === "-" : null, () => sortBy(column)));
    const cells = explainCodes(columns, numeric, found.slice(0, limit));
    const more = found.length > limit ? [element("button", { type: "button", onclick: () => { limit += STEP; fill(); } }, say("more", { count: Math.min(STEP, found.length - limit) }))] : [];
    if (!found.length) return body.replaceChildren(element("p", { class: "missing" }, empty()));
    return body.replaceChildren(element("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": note }, element("table", {},
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...cells.map((row, at) => element("tr", {}, ...row.map((cell, i) => element("td", cell !== found[at][i] ? { class: "named" } : numeric.has(columns[i]) ? { class: "value" } : holdsText(columns[i]) ? { class: "wide" } : {}, numeric.has(columns[i]) ? setMinus(cell) : cell))))))), ...more);
  }
  fill();
  return [element("p", { class: "controls" }, element("span", { class: "control" }, element("label", { for: input.id }, say("filter")), " ", input), ...extra, count, makeSave("rows_csv", "rows", file, () => formatCsv([columns, ...listed()]))), body];
}

function listNumbers(holder) { // every row of the chosen experiment's table
  function draw() {
    const stored = tables.get(view.experiment);
    if (!stored || !holder.closest("details").open) return;
    const metrics = listValues(stored.rows, stored.at.metric);
    const measure = metrics.includes(view.measure) ? view.measure : ALL;
    const kept = measure === ALL ? stored.rows : stored.rows.filter((row) => row[stored.at.metric] === measure);
    const first = ["metric", "value"].map((column) => stored.at[column]);
    const used = [...first, ...stored.columns.keys()].filter((i, place, all) => all.indexOf(i) === place).filter((i) => stored.columns[i] !== "experiment" && kept.some((row) => row[i] !== ""));
    const columns = used.map((i) => stored.columns[i]);
    const keep = ({ find, sort }, push) => { Object.assign(view, { find: find || null, sort: sort || null }); writeAddress(push); };
    const change = () => { view.measure = input.value === ALL ? null : input.value; draw(); writeAddress(); document.getElementById(input.id).focus(); };
    const input = element("select", { id: "numbers-measure", onchange: change }, ...[ALL, ...metrics].map((one) => element("option", { value: one, ...(one === measure ? { selected: "" } : {}) }, one === ALL ? say("all_measures") : wordOf("metric", one))));
    const experiment = say("rows_of", { experiment: nameExperiment(view.experiment) });
    holder.replaceChildren(
      element("p", { class: "controls" }, element("strong", {}, experiment), element("span", { class: "control" }, element("label", { for: input.id }, columnOf("metric")), " ", input), makeSave("table_csv", "table", `${view.experiment.replace(/[^\w.-]/g, "-")}_table.csv`, () => formatCsv([stored.columns, ...stored.rows]))),
      ...makeList({ id: "numbers", columns, labels: columns.map((column) => columnOf(column, measure)), numeric: stored.numeric, rows: kept.map((row) => used.map((i) => row[i])), find: view.find, sort: view.sort, keep, file: "rows.csv", note: experiment }),
    );
  }
  holder.closest("details").addEventListener("toggle", draw);
  redraws.push(draw);
  drawAll.parts.push(draw);
}

function listRuns(holder) { // every training run of the folder, as far as the tables tell them apart
  let runs = null;
  async function draw() {
    if (!holder.closest("details").open) return;
    runs ??= JSON.parse(await unpack(data.runs));
    const keep = ({ find, sort }, push) => { Object.assign(view, { runs: find || null, runsort: sort || null }); view.experiment && writeAddress(push); };
    const only = element("input", { type: "checkbox", id: "runs-diverged", onchange: () => { view.diverged = only.checked ? "1" : null; draw().then(() => document.getElementById(only.id).focus()); writeAddress(); }, ...(view.diverged ? { checked: "" } : {}) });
    const rows = view.diverged ? runs.filter((row) => row[data.run_columns.indexOf("diverged")] === "yes") : runs;
    const empty = () => say(rows.length ? "no_rows" : "none_diverged");
    const box = element("span", { class: "control" }, only, " ", element("label", { for: only.id }, say("only_diverged")));
    holder.replaceChildren(...makeList({ id: "runs", columns: data.run_columns, labels: data.run_columns.map((column) => columnOf(column, ALL)), numeric: new Set(["seed", "train_length"]), rows, find: view.runs, sort: view.runsort, keep, file: "runs.csv", note: say("runs"), empty, more: [box] }));
  }
  holder.closest("details").addEventListener("toggle", draw);
  redraws.push(draw);
  drawAll.parts.push(draw);
}

for (const holder of document.querySelectorAll("[data-numbers]")) listNumbers(holder);
for (const holder of document.querySelectorAll("[data-runs]")) listRuns(holder);

window.addEventListener("hashchange", followAddress);
dark.addEventListener("change", drawAll);
arriving = readAddress();
