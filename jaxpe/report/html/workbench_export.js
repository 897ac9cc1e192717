// What is shown as CSV, LaTeX and SVG, and what can be copied.

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

async function copyText(content) { // a page that is opened from disk may have no clipboard of its own
  try {
    await navigator.clipboard.writeText(content);
  } catch {
    const field = element("textarea", {}, content);
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

function makeCopy(key, content) {
  const heard = element("span", { class: "quiet", role: "status" });
  const button = element("button", { type: "button", "data-copy": key, onclick: async () => {
    await copyText(content());
    heard.textContent = say("copied");
    button.focus();
  } }, say(key));
  return element("span", { class: "control" }, button, " ", heard);
}

const SIZES = ["train_length", "n_examples"]; // of training and test, which a paper names

// What is the same in all rows that are shown: the choices, task, architecture, measure and sizes, and where the table is.
function listContext({ selection, stored }) {
  const columns = [...new Set([...selection.choices.map((one) => one.column), ...FIRST, ...SIZES])].filter((column) => column in stored.at);
  const values = columns.map((column) => [column, listValues(selection.rows, stored.at[column])]).filter(([, own]) => own.length === 1 && own[0] !== "").map(([column, own]) => [column, SIZES.includes(column) ? cutZero(own[0]) : own[0]]);
  return [["experiment", view.experiment], ...values, ...(view.at === null ? [] : [[selection.x, cutZero(view.at)]])];
}

function nameFile(shown) { // 'harm_index_encoder_token_accuracy_test_length-24'
  const context = Object.fromEntries(listContext(shown));
  const { x } = shown.selection;
  const at = view.at === null ? [] : [`${x}-${context[x]}`];
  return [view.experiment, context.task, context.architecture, context.metric, ...at].filter(Boolean).join("_").replace(/[^\w.-]/g, "-");
}

function listWords(shown) { // the same in the words of the page
  return [nameExperiment(view.experiment), ...listContext(shown).slice(1).map(([column, value]) => (FIRST.includes(column) ? "" : `${columnOf(column)}: `) + wordOf(column, value))];
}

function describeView(shown) { // one line, in the words of the tables
  return [...listContext(shown).map(([column, value]) => `${column} ${value}`), ...(shown.selection.as === "map" ? [] : [`minus ${view.minus}`])].join(", ").replace(/\s+/g, " ");
}

function formatPairsCsv(shown) {
  const context = listContext(shown);
  const rows = sortPairs(shown).map(({ line, mean, n, estimate }) => [line.name, mean, n, estimate.mean, estimate.low, estimate.high, estimate.n, view.minus].map(shorten).concat(context.map(([, value]) => value), say("method")));
  return formatCsv([["line", "mean", "seeds", "difference", "low", "high", "pairs", "compared_with", ...context.map(([column]) => column), "method"], ...rows]);
}

function formatSeedsCsv({ selection, ticked, stored }) { // every row that is drawn, as its table has it, with its line's name
  const rows = ticked.flatMap((line) => [...line.cells.values()].flatMap((bySeed) => [...bySeed.values()].map((one) => [line.name, ...one.row])));
  return formatCsv([["line", ...stored.columns], ...rows]);
}

const SPECIAL = { "−": "$-$", "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "→": "$\\to$" };
const escapeLatex = (cell) => String(cell).replace(/[\\&%$#_{}~^→−]/g, (sign) => SPECIAL[sign] || `\\${sign}`);

function formatLatex(shown) {
  const { score, difference } = shown.format;
  const write = (format, value) => (value === null ? "--" : escapeLatex(format(value)));
  const rows = sortPairs(shown).map(({ label, mean, n, estimate }) => {
    const interval = estimate.low === null ? "--" : escapeLatex(formatInterval(estimate, difference));
    return [escapeLatex(label), write(score, mean), n, write(difference, estimate.mean), interval, estimate.n].join(" & ") + " \\\\";
  });
  const headers = listHeaders(shown).map(escapeLatex).join(" & ");
  const comments = [describeView(shown), say("method"), say("latex_dash")].map((one) => `% ${one}`);
  const caption = `\\caption{${escapeLatex(listContext(shown).slice(1).map(([column, value]) => `${columnOf(column)}: ${wordOf(column, value)}`).join("; "))}. ${escapeLatex(say("method"))}}`;
  return [...comments, "\\begin{table}", "\\centering", caption, "\\begin{tabular}{lrrrrr}", `${headers} \\\\ \\hline`, ...rows, "\\end{tabular}", "\\end{table}", ""].join("\n");
}

function breakLines(parts, joint, longest) { // parts joined to lines of at most so many letters, a longer part alone
  const lines = [];
  for (const part of parts) {
    if (lines.length && lines.at(-1).length + joint.length + part.length <= longest) lines.push(lines.pop() + joint + part);
    else lines.push(part);
  }
  return lines;
}

function writeCounts(counts) { // '10', or the fewest and most: '5–10'
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? String(high) : `${low}–${high}`;
}

const countSeeds = (line) => `, n = ${writeCounts([...line.cells.values()].map((bySeed) => bySeed.size))}`; // over the places of a line

function formatSvg(shown) { // on white, with the choices above and the legend below
  printing = true;
  const width = 720;
  const parts = drawView(shown, width).filter((one) => one.tagName === "svg");
  const styles = pickStyles(shown.ticked);
  const entries = shown.selection.as === "map" ? [] : [...shown.ticked.map((line, i) => [styles[i], `${shown.labels.get(line.name)}${countSeeds(line)}`]), ...shown.baselines.map((line) => [{ colour: inks().ink, dash: line.dash }, line.name])];
  const all = createSvg("svg", { xmlns: "http://www.w3.org/2000/svg", width });
  all.append(createSvg("title", {}, [...listWords(shown), ...(shown.selection.as === "map" ? [] : [`− ${shown.labels.get(view.minus)}`])].join(" · ")), ...(shown.selection.as === "map" ? [] : [createSvg("desc", {}, say("method"))]), createSvg("rect", { width: "100%", height: "100%", fill: "#ffffff" }));
  const lines = breakLines(listWords(shown), " · ", 95);
  lines.forEach((line, i) => all.append(text(10, 18 + 17 * i, line, { "font-size": 13 })));
  let top = 11 + 17 * lines.length;
  const notes = shown.selection.as === "map" ? [] : [say("drawn"), ...(parts.some(isShared) ? [say("turns")] : [])];
  for (const part of parts) {
    part.setAttribute("y", top);
    for (const name of ["class", "role", "aria-label", "data-shared"]) part.removeAttribute(name);
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
  for (const note of notes) {
    all.append(text(10, top + 12, note, { "font-size": 11, fill: inks().quiet }));
    top += 16;
  }
  all.setAttribute("height", top + 12);
  printing = false;
  return new XMLSerializer().serializeToString(all);
}

for (const place of document.querySelectorAll("[data-commands]")) redraws.push(() => {
  place.parentElement.querySelector(".control")?.remove();
  place.after(makeCopy("copy", () => place.textContent));
});
