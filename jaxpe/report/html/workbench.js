// Comparisons of stored scores.

// ── statistics: the same sign-flip test and interval as jaxpe.records.statistics.estimate_difference ──

function signFlip(differences) {
  const n = differences.length;
  const mean = differences.reduce((a, b) => a + b, 0) / n;
  if (n < 6 || n > 14) return { mean, low: null, high: null, n };
  const flips = Array.from({ length: 2 ** n }, (_, i) => Array.from({ length: n }, (_, bit) => ((i >> bit) & 1 ? 1 : -1)));
  const p = (shift) => {
    const moved = differences.map((value) => value - shift);
    const own = Math.abs(moved.reduce((a, b) => a + b, 0));
    const least = own - 1e-12 * (1 + own);
    return flips.filter((signs) => Math.abs(signs.reduce((sum, sign, i) => sum + sign * moved[i], 0)) >= least).length / flips.length;
  };
  const spread = Math.max(...differences) - Math.min(...differences);
  const edge = (direction) => {
    let [inside, outside] = [mean, mean + direction * (spread + Math.abs(mean) + 1e-9) * 4];
    for (let i = 0; i < 50; i++) {
      const middle = (inside + outside) / 2;
      if (p(middle) > 0.05) inside = middle; else outside = middle;
    }
    return inside;
  };
  return { mean, low: edge(-1), high: edge(1), n };
}

// ── the comparison part ────────────────────────────────────────────────────────────────────────────────────────────

const FIELDS = ["experiment", "task", "architecture", "metric", "condition", "positions"];

function compare(holder) {
  const chosen = { experiment: "extrapolation" }; // where it is there
  let [alone, baseline, length, sorted] = [null, null, null, { column: 0, down: false }];
  const [bar, picture, key, readout, table] = [element("div", { class: "controls" }), element("div"), element("div"), element("output", { class: "readout", "aria-live": "polite" }), element("div")];
  holder.append(bar, picture, readout, key, table);
  const fitting = (until) => data.series.filter((one) => FIELDS.slice(0, until).every((field) => chosen[field] === "*" || one[field] === chosen[field]));
  const nameOf = (field, value) => (value === "*" ? say("all") : field === "metric" ? say(value) : value === "" ? say("plain") : value);

  function settle() { // every choice exists, given those before it
    FIELDS.forEach((field, i) => {
      const options = [...new Set(fitting(i).map((one) => one[field]))];
      if (field === "positions" && options.length > 1) options.unshift("*");
      if (!options.includes(chosen[field])) chosen[field] = options[0];
      chosen[`${field} options`] = options;
    });
  }
  const bySeed = (row) => {
    const values = row.filter((value) => value !== null).map((value) => formatNumber(value));
    return new Set(values).size === 1 && values.length > 1 ? say("equal_seeds", { count: values.length, value: values[0] }) : say("seeds", { values: values.join(", ") });
  };
  const label = (one) => (chosen.positions === "*" && one.positions !== "arange" ? `${one.encoding} + ${one.positions}` : one.encoding);
  const meanOf = (row) => { const there = row.filter((value) => value !== null); return there.length ? there.reduce((a, b) => a + b, 0) / there.length : null; };

  function draw() {
    settle();
    const selection = fitting(FIELDS.length);
    const lengths = [...new Set(selection.flatMap((one) => one.lengths))].sort((a, b) => a - b);
    if (!lengths.includes(length)) length = lengths.find((n) => n > selection[0].train_length) ?? lengths[lengths.length - 1];
    const names = selection.map(label);
    if (!names.includes(baseline)) baseline = names.includes("none") ? "none" : names[0];
    if (!names.includes(alone)) alone = null;
    bar.replaceChildren(
      ...FIELDS.map((field) => picker(field, chosen[`${field} options`], chosen[field], (value) => { chosen[field] = value; draw(); }, (value) => nameOf(field, value))),
      picker("baseline", names, baseline, (value) => { baseline = value; draw(); }),
      picker("length", lengths.map(String), String(length), (value) => { length = +value; draw(); }),
    );
    const series = selection.map((one) => ({ name: label(one), source: one, points: one.lengths.map((n, i) => [n, meanOf(one.values[i])]), seeds: one.lengths.flatMap((n, i) => one.values[i].map((value) => [n, value])), ...look(label(one)) }));
    const shown = series.filter((one) => alone === null || one.name === alone);
    const first = selection.reduce((best, one) => (one.lengths.length > best.lengths.length ? one : best));
    const lines = baselinesOf(first.lengths, first.length_baseline, first.order_blind_baseline);
    const top = chosen.metric === "bits_per_character" ? Math.max(...series.flatMap((one) => one.seeds.map((seed) => seed[1])), ...lines.flatMap((line) => line.points.map((point) => point[1]))) * 1.05 : 1;
    chart(picture, {
      series: shown, lines, low: 0, high: top, height: 320, train: first.train_length, here: length, x: say("length"), y: say(chosen.metric),
      alt: `${say("chart_alt", { metric: say(chosen.metric), x: say("length"), count: shown.length })} ${say("keys")}`,
      onPoint: (one, index) => { const row = one.source.values[index]; readout.textContent = `${one.name} · ${say("at_length", { length: one.points[index][0] })} · ${formatNumber(one.points[index][1])} (${bySeed(row)})`; },
    });
    key.replaceChildren(element("div", { class: "legend" }, ...series.map((one) => element("button", { type: "button", "aria-pressed": String(alone === one.name), "aria-label": say("alone", { name: one.name }), onclick: () => { alone = alone === one.name ? null : one.name; draw(); } }, ...sample(one, one.name)))), baselineLegend(lines));
    list(selection);
  }

  function picker(field, options, value, change, name = String) {
    const input = element("select", { id: `compare-${field}`, onchange: () => { change(input.value); document.getElementById(`compare-${field}`).focus(); } }, ...options.map((one) => element("option", { value: one, ...(one === value ? { selected: "" } : {}) }, name(one))));
    return element("span", { class: "control" }, element("label", { for: input.id }, say(field)), " ", input);
  }

  function rowsOf(selection) {
    const other = selection.find((one) => label(one) === baseline);
    const at = (one) => one.values[one.lengths.indexOf(length)];
    return selection.filter((one) => at(one)).map((one) => {
      const own = at(one), base = other && at(other);
      const pairs = base && one !== other ? one.seeds.map((seed, i) => [own[i], base[other.seeds.indexOf(seed)]]).filter(([a, b]) => a !== null && b !== null && a !== undefined && b !== undefined) : [];
      const estimate = pairs.length ? signFlip(pairs.map(([a, b]) => a - b)) : { mean: null, low: null, high: null, n: 0 };
      return [label(one), meanOf(own), own.filter((value) => value !== null).length, estimate.mean, estimate.low, estimate.high, estimate.n];
    });
  }

  function list(selection) {
    const headers = [say("encoding"), say("mean"), say("n"), `${say("difference")} (− ${baseline})`, say("interval"), "", say("pairs")];
    const rows = rowsOf(selection).sort((a, b) => {
      const [u, v] = sorted.down ? [b[sorted.column], a[sorted.column]] : [a[sorted.column], b[sorted.column]];
      return u === v ? 0 : u === null ? 1 : v === null ? -1 : typeof u === "string" ? u.localeCompare(v) : u - v;
    });
    const head = [0, 1, 2, 3, 4, 6].map((column) => element("th", { scope: "col", "aria-sort": sorted.column === column ? (sorted.down ? "descending" : "ascending") : "none" }, element("button", { type: "button", "aria-label": say("sort", { column: headers[column] }), onclick: () => { sorted = { column, down: sorted.column === column && !sorted.down }; list(selection); } }, headers[column])));
    const interval = (row) => (row[4] === null ? (row[6] && row[6] < 6 ? say("few") : "–") : say("until", { low: formatNumber(row[4]), high: formatNumber(row[5]) }));
    const cells = (row) => [row[0], formatNumber(row[1]), String(row[2]), formatNumber(row[3]), interval(row), String(row[6])];
    table.replaceChildren(
      element("div", { class: "scroll", tabindex: 0 }, element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row).map((cell, i) => element("td", i ? { class: "value" } : {}, cell))))))),
      element("p", { class: "controls" }, save("csv", "text/csv", "csv", () => csv(selection, rows)), save("latex", "text/plain", "tex", () => latex(selection, rows))),
    );
  }

  const about = () => FIELDS.map((field) => `${field} ${chosen[field]}`).join(", ") + `, length ${length}, minus ${baseline}`;
  const quoted = (cell) => (/[",\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell ?? ""));
  const short = (cell) => (typeof cell === "number" ? +cell.toFixed(6) + 0 : cell);
  const csv = (_, rows) => [["encoding", "mean", "seeds", `minus ${baseline}`, "low", "high", "pairs"], ...rows.map((row) => row.map(short))].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
  const escaped = (cell) => String(cell).replace(/[\\&%$#_{}~^]/g, (sign) => ({ "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" })[sign] || `\\${sign}`);
  const latex = (_, rows) => [`% ${about()}`, "\\begin{tabular}{lrrrrr}", `encoding & mean & seeds & minus ${escaped(baseline)} & 95\\,\\% interval & pairs \\\\ \\hline`, ...rows.map((row) => [escaped(row[0]), formatNumber(row[1]), row[2], formatNumber(row[3]), row[4] === null ? "--" : `${formatNumber(row[4])} to ${formatNumber(row[5])}`, row[6]].join(" & ") + " \\\\"), "\\end{tabular}", ""].join("\n");

  function save(key, type, ending, content) {
    return element("button", { type: "button", "data-save": ending, onclick: () => {
      const link = element("a", { href: URL.createObjectURL(new Blob([content()], { type })), download: `${chosen.experiment}_${chosen.task}_${chosen.metric}.${ending}` });
      link.click();
      URL.revokeObjectURL(link.href);
    } }, say(key));
  }

  drawAndKeep(draw);
}

for (const holder of document.querySelectorAll("[data-compare]")) compare(holder);
