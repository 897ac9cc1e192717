// The comparison: choices, drawing, paired table, and what can be saved of them.

function compare(holder) {
  const [bar, notice, about, key, picture, turns, readout, table, elsewhere, exports] = ["div", "p", "div", "div", "div", "p", "output", "div", "div", "p"].map((tag) => element(tag));
  bar.className = exports.className = "controls";
  notice.className = "notice";
  notice.setAttribute("role", "status");
  readout.className = "readout";
  readout.setAttribute("aria-live", "polite");
  turns.className = "quiet";
  holder.append(bar, notice, about, key, picture, turns, readout, table, elsewhere, exports);
  let shown = null;

  function change(values) { // what is not there is replaced and announced, and the new address corrected
    Object.assign(view, values, { to: null });
    announced.asked = null;
    writeAddress();
    drawAll();
  }

  function announce() { // what was replaced stays announced until the next choice
    announced.asked ??= shown.asked;
    notice.textContent = listReplaced(shown, announced.asked).join(say("gap"));
    if (location.hash.startsWith("#compare=")) writeAddress(false);
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
    announce();
    drawControls(stored);
    drawAbout(stored);
    drawKey();
    drawPicture();
    listPairs();
    showElsewhere(elsewhere, shown);
    drawExports();
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    arrive();
  }

  function picker(id, label, options, value, pick, name, absent = []) {
    const input = element("select", { id: `compare-${id}`, onchange: () => pick(input.value) }, ...options.map((one) => element("option", { value: one, ...(one === value ? { selected: "" } : {}) }, name(one))),
      ...absent.map((one) => element("option", { value: one, disabled: "" }, say("not_with", { name: name(one) }))));
    return element("span", { class: "control" }, element("label", { for: input.id }, label), " ", input);
  }

  function drawControls() {
    const { selection } = shown;
    const pickers = [picker("experiment", say("experiment"), Object.keys(data.tables), view.experiment, (value) => change({ experiment: value, as: null, x: null, y: null, at: null }), nameExperiment)];
    for (const { column, options, value, absent } of selection.choices) {
      const reset = column === "metric" ? { as: null, x: null, y: null, at: null } : {};
      pickers.push(picker(column, columnOf(column), options, value, (own) => change({ ...reset, choices: { ...view.choices, [column]: own } }), (one) => (column === "metric" ? wordOf : nameWithCode)(column, one), absent));
    }
    if (selection.axes.length > 1) pickers.push(picker("as", say("shown_as"), ["curve", "map"], selection.as, (as) => change({ as, x: null, y: null, at: null }), say));
    if (selection.axes.length) pickers.push(picker("x", say("horizontal"), [...selection.axes, ...(selection.as === "curve" ? [NOTHING] : [])], selection.x, (x) => change({ x, at: null }), (one) => (one === NOTHING ? say("no_axis") : columnOf(one))));
    if (selection.as === "map") pickers.push(picker("y", say("vertical"), selection.axes.filter((one) => one !== selection.x), selection.y, (y) => change({ y }), columnOf));
    if (shown.canLog) pickers.push(element("span", { class: "control" }, element("input", { type: "checkbox", id: "compare-log", onchange: (event) => change({ log: event.target.checked ? "1" : "0" }), ...(shown.logarithmic ? { checked: "" } : {}) }), " ", element("label", { for: "compare-log" }, say("log"))));
    if (selection.as === "curve" && shown.ticked.length > 1) pickers.push(picker("minus", say("baseline"), shown.ticked.map((one) => one.name), view.minus, (minus) => { wanted.minus = minus; change({ minus }); }, (one) => shown.labels.get(one)));
    if (selection.places.length > 1) pickers.push(picker("at", `${say("table_at")} ${columnOf(selection.x)}`, selection.places, view.at, (at) => change({ at }), writePlace));
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
    const there = new Set(selection.lines.map((line) => line.encoding));
    const without = listValues(rows, at.encoding).filter((name) => name !== "" && !there.has(name)).map((name) => wordOf("encoding", name));
    about.replaceChildren(
      element("p", { class: "quiet" }, [...words, say("rows_shown", { shown: selection.rows.length, all: rows.length })].join(" · ")),
      ...(without.length ? [element("p", { class: "quiet" }, say("without_values", { names: without.join(say("comma")) }))] : []),
      ...left,
    );
  }

  function drawKey() { // legend and choice in one: what is not ticked is nowhere drawn, listed, pointed at or saved
    const styles = pickStyles(shown.ticked);
    const boxes = shown.selection.lines.map((line, i) => {
      const at = shown.ticked.indexOf(line);
      const tick = () => {
        const lines = shown.selection.lines.filter((one) => (one === line ? at < 0 : shown.ticked.includes(one))).map((one) => one.name);
        wanted.lines = [...lines, ...(wanted.lines || []).filter((one) => !shown.labels.has(one))];
        change({ lines });
      };
      const style = at < 0 ? { colour: "none", dash: "" } : { ...styles[at], colour: paint(styles[at].colour) };
      return element("span", { class: "tick", "data-line": line.name }, element("input", { type: "checkbox", id: `line-${i}`, onchange: tick, ...(at < 0 ? {} : { checked: "" }), ...(at >= 0 && shown.ticked.length === 1 ? { disabled: "" } : {}) }), element("label", { for: `line-${i}` }, ...sample(style, ` ${shown.labels.get(line.name)}`)));
    });
    const baselines = shown.baselines.map((line) => element("span", { class: "tick" }, ...sample({ colour: inks().ink, dash: line.dash }, ` ${line.name}`)));
    const only = () => { wanted.lines = [view.minus]; change({ lines: [view.minus] }); };
    const clear = shown.ticked.length > 2 ? [element("button", { type: "button", onclick: only }, say("only", { name: shown.labels.get(view.minus) }))] : [];
    key.replaceChildren(element("div", { class: "ticks", role: "group", "aria-label": say("lines") }, ...boxes, ...baselines, ...clear));
  }

  function drawPicture() {
    let pointed = null; // the place on the axis
    const nameSame = (one, place) => { // the other lines that are where this one is
      const write = (line) => shown.format.score(computeMean(listScores(line, place)));
      const same = shown.ticked.filter((line) => line !== one.line && line.cells.has(place) && write(line) === write(one.line));
      return same.length ? say("same_value", { names: same.map((line) => shown.labels.get(line.name)).join(say("comma")) }) : "";
    };
    const point = (one, index) => {
      const place = pointed = shown.selection.places[index] ?? "";
      const scores = listScores(one.line, place);
      for (const tick of key.querySelectorAll("[data-line]")) tick.classList.toggle("pointed", tick.dataset.line === one.line.name);
      const note = [...(one.line.cells.get(place) || new Map()).values()].map((cell) => [...NOTES].map((column) => cell.row[shown.stored.at[column]]).filter(Boolean).join(" ")).find(Boolean);
      const own = one.line === shown.baseline ? null : compareLines(one.line, shown.baseline, place);
      const difference = own?.n ? say("minus_baseline", { name: shown.labels.get(view.minus), mean: shown.format.difference(own.mean), interval: formatInterval(own, shown.format.difference), pairs: own.n }) : "";
      readout.textContent = [one.label, place && `${columnOf(shown.selection.x)} ${writePlace(place)}`, shown.format.score(computeMean(scores)), nameSame(one, place), difference, bySeed(scores), note].filter(Boolean).join(" · ");
    };
    const cell = (line) => (u, v, value) => { readout.textContent = `${shown.labels.get(line.name)} · ${columnOf(shown.selection.x)} ${setMinus(u)} · ${columnOf(shown.selection.y)} ${setMinus(v)} · ${shown.format.score(value)}`; };
    const width = Math.max(280, Math.min(1160, picture.clientWidth || 560));
    picture.className = shown.selection.as === "map" ? "maps" : "";
    picture.replaceChildren(...drawView(shown, width, { point, cell }));
    turns.textContent = [...picture.querySelectorAll("svg.plot")].some(isShared) ? say("turns") : "";
    if (view.at !== null) picture.querySelector("svg.plot")?.addEventListener("click", () => { if (pointed) change({ at: pointed }); });
    readout.textContent = say(view.at === null ? "keys" : "keys_table");
  }

  const bySeed = (scores) => (scores.length < 2 ? "" : new Set(scores).size === 1 ? say("equal_seeds", { count: scores.length, value: shown.format.score(scores[0]) }) : say("seeds", { values: scores.slice(0, 12).map(shown.format.score).join(", ") + (scores.length > 12 ? " …" : "") }));

  function listPairs() {
    if (shown.selection.as === "map") return table.replaceChildren(element("p", { class: "quiet" }, describeMaps(shown).join(say("gap"))));
    const headers = listHeaders(shown);
    const { column: sorted, down } = readOrder();
    const sort = (column) => {
      view.order = `${sorted === column && !down ? "-" : ""}${ORDERS[column]}`;
      writeAddress();
      listPairs();
      table.querySelectorAll("th button")[column].focus();
    };
    const cells = (row) => [row.label, shown.format.score(row.mean), row.n, shown.format.difference(row.estimate.mean), formatInterval(row.estimate, shown.format.difference), row.estimate.n];
    table.replaceChildren(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("paired") }, element("table", {},
      element("caption", {}, [say("paired"), view.at && `${columnOf(shown.selection.x)} ${writePlace(view.at)}`].filter(Boolean).join(" · ")),
      element("thead", {}, element("tr", {}, ...headers.map((header, column) => makeSortHeader(header, sorted === column ? down : null, () => sort(column))))),
      element("tbody", {}, ...sortPairs(shown).map((row) => element("tr", {}, ...cells(row).map((cell, i) => element("td", i ? { class: "value" } : {}, String(cell)))))))), element("p", { class: "quiet" }, say("method")));
    return null;
  }

  function drawExports() {
    const name = nameFile(shown);
    const own = shown.selection.as === "map" ? [] : [makeSave("csv", "csv", `${name}.csv`, () => formatPairsCsv(shown)), makeSave("latex", "tex", `${name}.tex`, () => formatLatex(shown))];
    exports.replaceChildren(...own, makeSave("seeds_csv", "seeds", `${name}_seeds.csv`, () => formatSeedsCsv(shown)), makeSave("svg", "svg", `${name}.svg`, () => formatSvg(shown)), makeCopy("address", () => location.href.replace(/#.*|$/, formatView())));
  }

  redraws.push(draw);
  drawAll.parts.push(draw);
}

const ORDERS = ["line", "mean", "n", "difference", "interval", "pairs"]; // what the rows of the paired comparison are sorted by

function readOrder() {
  const column = Math.max(0, ORDERS.indexOf((view.order || "").replace(/^-/, "")));
  return { column, down: view.order === `-${ORDERS[column]}` };
}

function sortPairs({ pairs }) { // as the address says, also in what is saved; what has no value comes last
  const { column, down } = readOrder();
  const sortable = (row) => [row.label, row.mean, row.n, row.estimate.mean, row.estimate.low, row.estimate.n][column];
  return pairs.toSorted((a, b) => {
    const [u, v] = [sortable(a), sortable(b)];
    return u === v ? 0 : u === null ? 1 : v === null ? -1 : (down ? -1 : 1) * (typeof u === "string" ? u.localeCompare(v) : u - v);
  });
}

const listHeaders = ({ labels }) => [say("line"), say("mean"), say("n"), `${say("difference")} (− ${labels.get(view.minus)})`, say("interval"), say("pairs")];

function drawAll() {
  for (const draw of drawAll.parts) draw();
}
drawAll.parts = []; // what shows the view

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

for (const holder of document.querySelectorAll("[data-compare]")) compare(holder);
