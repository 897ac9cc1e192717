// Which experiments compare two encodings: for each task and architecture what its view says of them, best known first.

const SHOWN_FIRST = 12; // rows of the list, until more are asked for
const NAMED = 3; // other measures of a row
const cases = new Map(); // by experiment, once they were needed
const comparisons = new Map(); // by two encodings, once they were asked for
let latest = null; // the view whose lines are looked for elsewhere

// Every measure, task and architecture of a table, as a view of it begins: [{metric, task, architecture, selection, train}].
async function listCases(experiment) {
  const stored = await loadTable(experiment);
  if (!cases.has(experiment)) {
    const combined = new Map(stored.rows.map((row) => [FIRST.map((column) => row[stored.at[column]]).join("\u0000"), row]));
    const all = [...combined.values()].map((row) => {
      const choices = Object.fromEntries(FIRST.map((column) => [column, row[stored.at[column]]]));
      const selection = select(stored, { choices });
      return { ...choices, selection, train: findTrainLength(stored, selection) };
    });
    cases.set(experiment, all.filter(({ selection }) => selection.as === "curve"));
  }
  return cases.get(experiment);
}

const holdBoth = (...names) => Object.keys(data.encodings).filter((experiment) => names.every((name) => data.encodings[experiment].includes(name)));
const makeLink = (own, words) => element("a", { href: formatView({ ...makeView(new URLSearchParams()), first: view.first, second: view.second, ...own }) }, words);

// How two lines compare in a case: with its plain lines of the encodings, or else their first.
function compareIn(experiment, { selection, train, ...own }, first, second) {
  const [line, other] = [first, second].map((name) => selection.lines.find((one) => one.name === name) ?? selection.lines.find((one) => one.encoding === name));
  if (!line || !other) return [];
  const at = pickPlace(selection, [line, other], train);
  const estimate = compareLines(line, other, at ?? "");
  const address = { experiment, choices: own, minus: other.name, lines: [line.name, other.name], at };
  return estimate.n ? [{ ...own, experiment, x: selection.x, at, estimate, address }] : [];
}

// A row for each experiment, task and architecture, of the measure with most pairs; `others`: of its other measures.
async function findComparisons(first, second) {
  const pair = JSON.stringify([first, second]);
  if (comparisons.has(pair)) return comparisons.get(pair);
  const all = [];
  for (const experiment of holdBoth(first, second)) for (const one of await listCases(experiment)) all.push(...compareIn(experiment, one, first, second));
  const groups = Map.groupBy(all, (one) => [one.experiment, one.task, one.architecture].join("\u0000"));
  const rank = (one) => (USUAL.includes(one.metric) ? USUAL.indexOf(one.metric) : USUAL.length);
  const rows = [...groups.values()].map((group) => {
    const [best, ...others] = group.toSorted((a, b) => b.estimate.n - a.estimate.n || rank(a) - rank(b));
    return { ...best, others };
  });
  comparisons.set(pair, rows.toSorted((a, b) => b.estimate.n - a.estimate.n));
  return comparisons.get(pair);
}

function find(holder) {
  const [bar, list] = [element("p", { class: "controls" }), element("div")];
  const count = element("p", { class: "quiet", role: "status" });
  holder.append(bar, count, list);
  let [turn, whole] = [0, false];

  function picker(name, label, options) {
    const input = element("select", { id: `find-${name}`, onchange: () => {
      view[name] = input.value || null;
      whole = false;
      writeAddress();
      draw();
      document.getElementById(input.id).focus();
    } }, ...["", ...options].map((one) => element("option", { value: one, ...(one === (view[name] ?? "") ? { selected: "" } : {}) }, one ? nameWithCode("encoding", one) : say("find_choose"))));
    return element("span", { class: "control" }, element("label", { for: input.id }, label), " ", input);
  }

  async function draw() {
    const mine = ++turn;
    holder.removeAttribute("aria-busy");
    const all = [...new Set(Object.values(data.encodings).flat())].sort((a, b) => wordOf("encoding", a).localeCompare(wordOf("encoding", b)));
    const partners = (name) => all.filter((one) => one !== name && (!name || holdBoth(name, one).length));
    bar.replaceChildren(picker("first", say("find_first"), partners(view.second)), " ", picker("second", say("find_second"), partners(view.first)));
    if (!view.first || !view.second) { showRows(null); return; }
    holder.setAttribute("aria-busy", "true");
    const rows = await findComparisons(view.first, view.second);
    if (mine !== turn) return;
    holder.removeAttribute("aria-busy");
    showRows(rows);
  }

  function showRows(rows) { // null: nothing was asked for
    count.textContent = !rows ? "" : rows.length ? say("find_count", { count: rows.length, intervals: rows.filter((row) => row.estimate.low !== null).length }) : say("find_none");
    if (!rows?.length) return list.replaceChildren();
    const format = formatWith(Math.max(3, countDecimals(rows.map((row) => row.estimate.mean))));
    const headers = [say("experiment"), columnOf("task"), columnOf("architecture"), say("find_at"), say("find_difference", { first: wordOf("encoding", view.first), second: wordOf("encoding", view.second) }), say("interval"), say("pairs"), say("find_others")];
    const cells = (row, isFirst) => [ // the question of an experiment once
      makeLink(row.address, isFirst ? nameExperiment(row.experiment) : row.experiment), wordOf("task", row.task), wordOf("architecture", row.architecture),
      [wordOf("metric", row.metric), row.at === null ? "" : `${columnOf(row.x, row.metric)} ${writePlace(row.at)}`].filter(Boolean).join(say("comma")),
      format(row.estimate.mean), formatInterval(row.estimate, format), String(row.estimate.n),
    ];
    const isNumber = (column) => column > 3 && column < headers.length - 1;
    const others = ({ others: own }) => [...own.slice(0, NAMED).flatMap((one, i) => [i ? " · " : "", makeLink(one.address, wordOf("metric", one.metric))]), own.length > NAMED ? ` · ${say("find_more", { count: own.length - NAMED })}` : ""];
    const shown = whole ? rows : rows.slice(0, SHOWN_FIRST);
    const more = rows.length > shown.length ? [element("button", { type: "button", onclick: () => { whole = true; showRows(rows); } }, say("more", { count: rows.length - shown.length }))] : [];
    return list.replaceChildren(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say("find_list") }, element("table", {},
      element("thead", {}, element("tr", {}, ...headers.map((header, i) => element("th", { scope: "col", ...(isNumber(i) ? { class: "value" } : {}) }, header)))),
      element("tbody", {}, ...shown.map((row, place) => element("tr", {}, ...cells(row, row.experiment !== shown[place - 1]?.experiment).map((cell, i) => element("td", isNumber(i) ? { class: "value" } : {}, cell)), element("td", {}, ...others(row))))))), ...more);
  }

  redraws.push(draw);
  drawAll.parts.push(draw);
}

function findAll(first, second) { // a link to the list of everything that compares two encodings
  const words = say("find_all", { first: wordOf("encoding", first), second: wordOf("encoding", second) });
  return element("p", {}, element("a", { href: formatView({ ...view, first, second, to: "find" }) }, words));
}

// Where the lines of a view were compared with more seeds, if here they are few: the same measure and task elsewhere.
async function showElsewhere(holder, shown) {
  latest = shown;
  const others = shown.ticked.filter((line) => line !== shown.baseline);
  const all = shown.selection.as === "curve" && others.length === 1 && others[0].encoding !== shown.baseline.encoding ? [findAll(others[0].encoding, shown.baseline.encoding)] : [];
  holder.replaceChildren(...all);
  const few = shown.pairs.filter((pair) => pair.line !== shown.baseline && pair.estimate.n < data.exploratory);
  if (shown.selection.as === "map" || !few.length) return;
  const { at } = shown.stored;
  const [metric, task] = ["metric", "task"].map((column) => shown.selection.rows[0][at[column]]);
  const places = [];
  for (const experiment of holdBoth(shown.baseline.encoding).filter((one) => one !== view.experiment && few.some(({ line }) => data.encodings[one].includes(line.encoding)))) {
    for (const one of (await listCases(experiment)).filter((own) => own.metric === metric && own.task === task)) {
      const found = few.map((pair) => ({ pair, own: compareIn(experiment, one, pair.line.name, shown.baseline.name)[0] })).filter(({ pair, own }) => own && own.address.lines.join() === [pair.line.name, shown.baseline.name].join() && own.estimate.n > pair.estimate.n);
      if (found.length) places.push({ experiment, found });
    }
  }
  if (latest !== shown) return;
  holder.replaceChildren(...all, ...places.map(({ experiment, found }) => {
    const { address, architecture } = found[0].own;
    const lines = [...found.map(({ pair }) => pair.line.name), shown.baseline.name];
    const names = found.map(({ pair }) => pair.label).join(say("comma"));
    return element("p", {}, `${say("elsewhere", { names, minus: shown.labels.get(view.minus), pairs: writeCounts(found.map(({ own }) => own.estimate.n)) })} `, makeLink({ ...address, lines }, [nameExperiment(experiment), wordOf("task", task), wordOf("architecture", architecture)].join(" · ")));
  }));
}

for (const holder of document.querySelectorAll("[data-finder]")) find(holder);
