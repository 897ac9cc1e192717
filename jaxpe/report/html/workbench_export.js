// What is shown as CSV, LaTeX and SVG.

const quoteCell = (cell) => (/[",\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell ?? ""));
const formatCsv = (rows) => rows.map((row) => row.map(quoteCell).join(",")).join("\n") + "\n";
const shorten = (cell) => (typeof cell === "number" ? +cell.toFixed(6) + 0 : cell);
const TYPES = { csv: "text/csv", seeds: "text/csv", rows: "text/csv", table: "text/csv", tex: "text/plain", svg: "image/svg+xml" };

function makeSave(key, kind, file, content) {
  return element("button", { type: "button", "data-save": kind, onclick: () => {
    const link = element("a", { href: URL.createObjectURL(new Blob([content()], { type: TYPES[kind] })), download: file });
    link.click();
    URL.revokeObjectURL(link.href);
  } }, say(key));
}

function describeView({ selection }) { // one line, in the words of the tables
  return [`experiment ${view.experiment}`, ...selection.choices.map((one) => `${one.column} ${one.value}`), ...(view.at === null ? [] : [`${selection.x} ${view.at}`]), `minus ${view.minus}`].join(", ");
}

function formatPairsCsv({ pairs }) {
  const rows = pairs.map(({ line, mean, n, estimate }) => [line.name, mean, n, estimate.mean, estimate.low, estimate.high, estimate.n].map(shorten));
  return formatCsv([["line", "mean", "seeds", `minus ${view.minus}`, "low", "high", "pairs"], ...rows]);
}

function formatSeedsCsv({ selection, ticked, stored }) { // every row that is drawn, as its table has it, with its line's name
  const rows = ticked.flatMap((line) => [...line.cells.values()].flatMap((bySeed) => [...bySeed.values()].map((one) => [line.name, ...one.row])));
  return formatCsv([["line", ...stored.columns], ...rows]);
}

const SPECIAL = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "→": "$\\to$" };
const escapeLatex = (cell) => String(cell).replace(/[\\&%$#_{}~^→]/g, (sign) => SPECIAL[sign] || `\\${sign}`);

function formatLatex(shown) {
  const rows = shown.pairs.map(({ line, mean, n, estimate }) => [escapeLatex(line.name), formatScore(mean), n, formatScore(estimate.mean), estimate.low === null ? "--" : `${formatScore(estimate.low)} to ${formatScore(estimate.high)}`, estimate.n].map((cell) => (cell === "–" ? "--" : cell)).join(" & ") + " \\\\");
  return [`% ${describeView(shown).replaceAll("\n", " ")}`, "\\begin{tabular}{lrrrrr}", `encoding & mean & seeds & minus ${escapeLatex(view.minus)} & 95\\,\\% interval & pairs \\\\ \\hline`, ...rows, "\\end{tabular}", ""].join("\n");
}

function formatSvg(shown) { // on white, with the choices above and the legend below
  printing = true;
  const width = 720;
  const parts = drawView(shown, width).filter((one) => one.tagName === "svg");
  const styles = pickStyles(shown.ticked);
  const entries = shown.selection.as === "map" ? [] : [...shown.ticked.map((line, i) => [styles[i], shown.labels.get(line.name)]), ...shown.baselines.map((line) => [{ colour: inks().ink, dash: line.dash }, line.name])];
  const all = createSvg("svg", { xmlns: "http://www.w3.org/2000/svg", width });
  all.append(createSvg("title", {}, describeView(shown)), createSvg("rect", { width: "100%", height: "100%", fill: "#ffffff" }));
  const words = shown.selection.choices.filter((one) => one.value !== ALL).map((one) => (FIRST.includes(one.column) ? "" : `${columnOf(one.column)}: `) + wordOf(one.column, one.value));
  all.append(text(10, 18, [view.experiment, ...words].join(" · "), { "font-size": 13 }));
  let top = 28;
  for (const part of parts) {
    part.setAttribute("y", top);
    for (const name of ["class", "role", "aria-label"]) part.removeAttribute(name);
    top += +part.getAttribute("height");
    all.append(part);
  }
  for (const [style, label] of entries) {
    const [drawn] = sample(style, label);
    drawn.setAttribute("x", 10);
    drawn.setAttribute("y", top);
    all.append(drawn, text(52, top + 10, label));
    top += 18;
  }
  all.setAttribute("height", top + 8);
  printing = false;
  return new XMLSerializer().serializeToString(all);
}
