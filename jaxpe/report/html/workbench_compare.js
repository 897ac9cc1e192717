// The comparison: choices, drawing, paired table, and what can be saved of them.

const FEW = 5; // lines that a comparison starts with
const USUAL_EXPERIMENT = "extrapolation";

// ── names in words ─────────────────────────────────────────────────────────────────────────────────────────────────

function wordOf(kind, name) {
  if (name === "") return "–";
  if (name === ALL) return say("all");
  const own = data.names[`${kind}.${name}`] || data.names[`value.${name}`];
  return own ? own[root.dataset.language] : kind === "metric" ? name.replaceAll("_", " ") : cutZero(name);
}

const cutZero = (number) => number.replace(/^(-?\d+)\.0$/, "$1");

function columnOf(column) {
  const own = data.names[`field.${column}`];
  return own ? own[root.dataset.language] : column.replaceAll("_", " ");
}

function nameExperiment(name) {
  const words = wordOf("experiment", name);
  return words === name ? name : `${name}: ${words}`;
}

function formatScore(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size >= 1000 ? value.toFixed(0) : size >= 100 ? value.toFixed(1) : size > TINY && size < 0.001 ? value.toPrecision(2) : formatNumber(size > TINY ? value : 0);
}

const formatInterval = (estimate) => (estimate.low !== null ? say("until", { low: formatScore(estimate.low), high: formatScore(estimate.high) }) : !estimate.n ? "–" : say(estimate.n < FEWEST_PAIRS ? "few" : "many"));

// ── the part ───────────────────────────────────────────────────────────────────────────────────────────────────────

function compare(holder) {
  const [bar, about, key, picture, readout, table, exports] = ["div", "div", "div", "div", "output", "div", "p"].map((tag) => element(tag));
  bar.className = exports.className = "controls";
  readout.className = "readout";
  readout.setAttribute("aria-live", "polite");
  holder.append(bar, about, key, picture, readout, table, exports);
  let [shown, sorted] = [null, { column: 0, down: false }];

  function change(values) {
    Object.assign(view, values);
    drawAll();
    writeAddress();
  }

  function draw() {
    if (!view.experiment) view.experiment = chooseExperiment();
    const stored = tables.get(view.experiment);
    if (!stored) {
      holder.setAttribute("aria-busy", "true");
      loadTable(view.experiment).then(drawAll);
      return;
    }
    holder.removeAttribute("aria-busy");
    const focused = document.activeElement?.id;
    shown = settleView(stored);
    drawControls(stored);
    drawAbout(stored);
    drawKey();
    drawPicture();
    listPairs();
    drawExports();
    if (focused) document.getElementById(focused)?.focus();
  }

  function picker(id, label, options, value, pick, name) {
    const input = element("select", { id: `compare-${id}`, onchange: () => pick(input.value) }, ...options.map((one) => element("option", { value: one, ...(one === value ? { selected: "" } : {}) }, name(one))));
    return element("span", { class: "control" }, element("label", { for: input.id }, label), " ", input);
  }

  function drawControls() {
    const { selection } = shown;
    const pickers = [picker("experiment", say("experiment"), Object.keys(data.tables), view.experiment, (value) => change({ experiment: value, as: null, x: null, y: null, at: null }), nameExperiment)];
    for (const { column, options, value } of selection.choices) {
      const reset = column === "metric" ? { as: null, x: null, y: null, at: null } : {};
      pickers.push(picker(column, columnOf(column), options, value, (own) => change({ ...reset, choices: { ...view.choices, [column]: own } }), (one) => wordOf(column, one)));
    }
    if (selection.axes.length > 1) pickers.push(picker("as", say("shown_as"), ["curve", "map"], selection.as, (as) => change({ as, x: null, y: null, at: null }), say));
    if (selection.axes.length) pickers.push(picker("x", say("horizontal"), [...selection.axes, ...(selection.as === "curve" ? [NOTHING] : [])], selection.x, (x) => change({ x, at: null }), (one) => (one === NOTHING ? say("no_axis") : columnOf(one))));
    if (selection.as === "map") pickers.push(picker("y", say("vertical"), selection.axes.filter((one) => one !== selection.x), selection.y, (y) => change({ y }), columnOf));
    if (shown.canLog) pickers.push(element("span", { class: "control" }, element("input", { type: "checkbox", id: "compare-log", onchange: (event) => change({ log: event.target.checked ? "1" : "0" }), ...(shown.logarithmic ? { checked: "" } : {}) }), " ", element("label", { for: "compare-log" }, say("log"))));
    if (selection.as === "curve" && shown.ticked.length > 1) pickers.push(picker("minus", say("baseline"), shown.ticked.map((one) => one.name), view.minus, (minus) => change({ minus }), (one) => shown.labels.get(one)));
    if (selection.places.length > 1) pickers.push(picker("at", `${say("table_at")} ${columnOf(selection.x)}`, selection.places, view.at, (at) => change({ at }), cutZero));
    bar.replaceChildren(...pickers);
  }

  function drawAbout({ columns, rows, at }) {
    const { selection } = shown;
    const varied = new Set([...selection.choices.map((one) => one.column), ...selection.axes, "encoding"]);
    const same = columns.filter((column) => !varied.has(column) && !NOTES.has(column) && (!NO_CHOICE.has(column) || column === "n_examples") && column !== "experiment");
    const first = selection.rows[0];
    const fixed = same.filter((column) => first[at[column]] !== "" && selection.rows.every((row) => row[at[column]] === first[at[column]]));
    const words = selection.choices.filter((one) => one.value !== ALL).map(({ column, value }) => `${columnOf(column)}: ${wordOf(column, value)}`).concat(fixed.map((column) => `${columnOf(column)}: ${wordOf(column, first[at[column]])}`));
    const left = Object.entries(selection.left).filter(([, count]) => count).map(([why, count]) => element("p", { class: "missing" }, say(`left_${why}`, { count, axis: columnOf(selection.x) })));
    about.replaceChildren(
      element("p", { class: "quiet" }, [...words, say("rows_shown", { shown: selection.rows.length, all: rows.length })].join(" · ")),
      ...left,
    );
  }

  function drawKey() { // legend and choice in one: what is not ticked is nowhere drawn, listed, pointed at or saved
    const styles = pickStyles(shown.ticked);
    const boxes = shown.selection.lines.map((line, i) => {
      const at = shown.ticked.indexOf(line);
      const tick = () => change({ lines: shown.selection.lines.filter((one) => (one === line ? at < 0 : shown.ticked.includes(one))).map((one) => one.name) });
      const style = at < 0 ? { colour: inks().quiet, dash: "1 5" } : { ...styles[at], colour: paint(styles[at].colour) };
      return element("span", { class: "tick", "data-line": line.name }, element("input", { type: "checkbox", id: `line-${i}`, onchange: tick, ...(at < 0 ? {} : { checked: "" }), ...(at >= 0 && shown.ticked.length === 1 ? { disabled: "" } : {}) }), element("label", { for: `line-${i}` }, ...sample(style, ` ${shown.labels.get(line.name)}`)));
    });
    const baselines = shown.baselines.map((line) => element("span", { class: "tick" }, ...sample({ colour: inks().ink, dash: line.dash }, ` ${line.name}`)));
    key.replaceChildren(element("div", { class: "ticks", role: "group", "aria-label": say("lines") }, ...boxes, ...baselines));
  }

  function drawPicture() {
    const point = (one, index) => {
      const place = shown.selection.places[index] ?? "";
      const scores = listScores(one.line, place);
      for (const tick of key.querySelectorAll("[data-line]")) tick.classList.toggle("pointed", tick.dataset.line === one.line.name);
      const note = [...(one.line.cells.get(place) || new Map()).values()].map((cell) => [...NOTES].map((column) => cell.row[shown.stored.at[column]]).filter(Boolean).join(" ")).find(Boolean);
      readout.textContent = [one.label, place && `${columnOf(shown.selection.x)} ${cutZero(place)}`, formatScore(computeMean(scores)), bySeed(scores), note].filter(Boolean).join(" · ");
    };
    const cell = (line) => (u, v, value) => { readout.textContent = `${shown.labels.get(line.name)} · ${columnOf(shown.selection.x)} ${u} · ${columnOf(shown.selection.y)} ${v} · ${formatScore(value)}`; };
    const width = Math.max(280, Math.min(900, picture.clientWidth || 560));
    picture.className = shown.selection.as === "map" ? "maps" : "";
    picture.replaceChildren(...drawView(shown, width, { point, cell }));
    readout.textContent = say("keys");
  }

  const bySeed = (scores) => (scores.length < 2 ? "" : new Set(scores).size === 1 ? say("equal_seeds", { count: scores.length, value: formatScore(scores[0]) }) : say("seeds", { values: scores.slice(0, 12).map(formatScore).join(", ") + (scores.length > 12 ? " …" : "") }));

  function listPairs() {
    if (shown.selection.as === "map") return table.replaceChildren(element("p", { class: "quiet" }, say("map_note")));
    const headers = [say("line"), say("mean"), say("n"), `${say("difference")} (− ${shown.labels.get(view.minus)})`, say("interval"), say("pairs")];
    const sortable = (row) => [row.label, row.mean, row.n, row.estimate.mean, row.estimate.low, row.estimate.n][sorted.column];
    const rows = shown.pairs.toSorted((a, b) => {
      const [u, v] = sorted.down ? [sortable(b), sortable(a)] : [sortable(a), sortable(b)];
      return u === v ? 0 : u === null ? 1 : v === null ? -1 : typeof u === "string" ? u.localeCompare(v) : u - v;
    });
    const sort = (column) => { sorted = { column, down: sorted.column === column && !sorted.down }; listPairs(); table.querySelectorAll("th button")[column].focus(); };
    const cells = (row) => [row.label, formatScore(row.mean), row.n, formatScore(row.estimate.mean), formatInterval(row.estimate), row.estimate.n];
    table.replaceChildren(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("paired") }, element("table", {},
      element("caption", {}, [say("paired"), view.at && `${columnOf(shown.selection.x)} ${cutZero(view.at)}`].filter(Boolean).join(" · ")),
      element("thead", {}, element("tr", {}, ...headers.map((header, column) => makeSortHeader(header, sorted.column === column ? sorted.down : null, () => sort(column))))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row).map((cell, i) => element("td", i ? { class: "value" } : {}, String(cell)))))))));
    return null;
  }

  function drawExports() {
    const name = [view.experiment, view.choices.task, view.choices.metric].filter(Boolean).join("_").replace(/[^\w.-]/g, "-");
    const own = shown.selection.as === "map" ? [] : [makeSave("csv", "csv", `${name}.csv`, () => formatPairsCsv(shown)), makeSave("latex", "tex", `${name}.tex`, () => formatLatex(shown))];
    exports.replaceChildren(...own, makeSave("seeds_csv", "seeds", `${name}_seeds.csv`, () => formatSeedsCsv(shown)), makeSave("svg", "svg", `${name}.svg`, () => formatSvg(shown)), element("a", { href: formatView() }, say("address")));
  }

  redraws.push(draw);
  drawAll.parts.push(draw);
}

function drawAll() {
  for (const draw of drawAll.parts) draw();
}
drawAll.parts = []; // what shows the view

function chooseExperiment() { // the user's own results first
  const names = Object.keys(data.tables);
  if (data.own.experiment && data.own.task) view.choices.task ??= data.own.task;
  return data.own.experiment || (names.includes(USUAL_EXPERIMENT) ? USUAL_EXPERIMENT : names[0]);
}

// The view with every choice made, and what it shows.
function settleView(stored) {
  const selection = select(stored, view);
  view.choices = Object.fromEntries(selection.choices.map((one) => [one.column, one.value]));
  const names = selection.lines.map((one) => one.name);
  const own = selection.lines.filter((one) => one.encoding === data.own.encoding).map((one) => one.name);
  const kept = (view.lines || []).filter((one) => names.includes(one));
  view.lines = kept.length ? kept : [...new Set([...own, ...names])].slice(0, FEW);
  const ticked = selection.lines.filter((one) => view.lines.includes(one.name));
  if (!view.lines.includes(view.minus)) view.minus = view.lines.includes("none") ? "none" : ticked[0].name;
  const train = selection.x === "test_length" ? +selection.rows[0][stored.at.train_length] : undefined;
  if (!selection.places.includes(view.at)) view.at = selection.as === "curve" && selection.x !== NOTHING ? selection.places.find((one) => train !== undefined && +one >= 2 * train) ?? selection.places.at(-1) : null;
  const canLog = selection.as === "curve" && selection.places.length > 2 && +selection.places[0] > 0;
  const baseline = ticked.find((one) => one.name === view.minus);
  const labels = new Map(selection.lines.map((one) => [one.name, nameLine(stored, one.row, selection.choices.filter((choice) => choice.value === ALL).map((choice) => choice.column), wordOf, columnOf)]));
  const place = view.at ?? "";
  const pairs = selection.as === "map" ? [] : ticked.map((line) => {
    const scores = listScores(line, place);
    return { line, label: labels.get(line.name), mean: computeMean(scores), n: scores.length, estimate: estimateDifferenceFrom(line, baseline, place) };
  });
  return { stored, selection, ticked, baseline, labels, train, canLog, logarithmic: canLog && (view.log ?? (isWide(selection) ? "1" : "0")) === "1", pairs, baselines: listBaselines(stored, selection, ticked) };
}

const WIDE = 8; // lengths, steps and widths that lie further apart than this are drawn on a logarithmic axis
const isWide = ({ x, places }) => ["test_length", "steps", "width"].includes(x) && places.at(-1) / places[0] >= WIDE;

const estimateDifferenceFrom = (line, baseline, place) => (line === baseline ? { mean: null, low: null, high: null, n: 0 } : compareLines(line, baseline, place));

function listBaselines({ at }, { as, x, places }, ticked) { // of the line with most places
  if (as === "map" || x === NOTHING) return [];
  const longest = ticked.reduce((best, one) => (one.cells.size > best.cells.size ? one : best));
  const get = (column) => places.map((place) => {
    const cell = longest.cells.get(place)?.values().next().value;
    return cell && cell.row[at[column]] !== "" ? +cell.row[at[column]] : null;
  });
  return baselinesOf(places.map(Number), get("length_baseline"), get("order_blind_baseline"));
}

// The drawings of a view; with `handlers` they can be pointed at and walked with the arrow keys.
function drawView(shown, width, handlers = {}) {
  const { selection, ticked, labels, baseline, stored } = shown;
  const metric = wordOf("metric", selection.rows[0][stored.at.metric]);
  const styles = pickStyles(ticked).map((style) => ({ ...style, colour: paint(style.colour) }));
  if (selection.as === "map") return drawMaps(shown, width, metric, handlers);
  const series = ticked.map((line, i) => ({
    line, label: labels.get(line.name), ...styles[i],
    points: selection.places.map((place) => [+place, computeMean(listScores(line, place))]),
    seeds: selection.places.flatMap((place) => listScores(line, place).map((value) => [+place, value])),
    differences: selection.x === NOTHING || line === baseline ? [] : selection.places.map((place) => [+place, compareLines(line, baseline, place)]).filter(([, own]) => own.n),
  }));
  const axis = selection.x === NOTHING ? "" : columnOf(selection.x);
  const alt = `${say("chart_alt", { metric, x: axis || say("lines"), count: series.length })} ${handlers.point ? say("keys") : ""}`;
  if (!series.some((one) => one.seeds.length)) return [element("p", { class: "missing" }, say("no_values"))];
  if (selection.x === NOTHING) return [drawStrips({ width, series, labels: { y: metric }, alt, onPoint: handlers.point })];
  const difference = `− ${labels.get(baseline.name)}`;
  return [drawCurves({ width, series, baselines: shown.baselines, labels: { x: axis, y: metric, difference }, logarithmic: shown.logarithmic, train: shown.train, at: view.at === null ? null : +view.at, alt, onPoint: handlers.point })];
}

function drawMaps({ selection, ticked, labels }, width, metric, handlers) {
  const maps = ticked.map((line) => [...line.cells].map(([place, bySeed]) => [...place.split(" ").map(Number), computeMean([...bySeed.values()].map((one) => one.value))]));
  const values = maps.flat().map((cell) => cell[2]).filter((value) => value !== null);
  if (!values.length) return [element("p", { class: "missing" }, say("no_values"))];
  const range = [Math.min(...values), Math.max(...values)];
  return ticked.map((line, i) => drawMap({
    width: Math.min(width, 420), title: `${labels.get(line.name)} (${formatScore(range[0])} – ${formatScore(range[1])})`, cells: maps[i], range, labels: { x: columnOf(selection.x), y: columnOf(selection.y) },
    alt: `${metric}: ${labels.get(line.name)}. ${handlers.cell ? say("keys") : ""}`, onCell: handlers.cell && handlers.cell(line),
  })).filter((_, i) => maps[i].length);
}

for (const holder of document.querySelectorAll("[data-compare]")) compare(holder);
