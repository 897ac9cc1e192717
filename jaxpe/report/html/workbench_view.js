// Names in words, and the view with every choice made.

const FEW = 5; // lines that a comparison starts with
const USUAL_EXPERIMENT = "extrapolation";

function wordOf(kind, name) {
  if (name === "") return "–";
  if (name === ALL) return say("all");
  const own = data.names[`${kind}.${name}`] || data.names[`value.${name}`];
  return own ? own[root.dataset.language] : kind === "metric" ? name.replaceAll("_", " ") : writePlace(name);
}

const spell = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

function nameWithCode(kind, name) { // 'symbol at a place (index)': the word, and how tables and commands spell it
  const word = wordOf(kind, name);
  const spelled = [word, /[(（]([^)）]+)[)）]$/.exec(word)?.[1] ?? ""].some((one) => spell(one) === spell(name));
  return name === ALL || name === "" || spelled || word === writePlace(name) ? word : say("with_code", { word, code: name });
}

const cutZero = (number) => number.replace(/^(-?\d+)\.0$/, "$1");
const writePlace = (number) => setMinus(cutZero(number)); // as the page shows it; files have the plain number

function columnOf(column, metric = view.choices.metric) { // 'row' of a map of attention is the query
  const own = data.names[`field.${metric}.${column}`] || data.names[`field.${column}`];
  return own ? own[root.dataset.language] : column.replaceAll("_", " ");
}

function nameExperiment(name) {
  const words = wordOf("experiment", name);
  return words === name ? name : `${name}: ${words}`;
}

const MOST_DECIMALS = 6; // more are written with an exponent

function countDecimals(values) { // as many as the largest of the values asks for
  const size = values.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 0.01 || size <= TINY ? 3 : 1 + Math.ceil(-Math.log10(size));
}

const formatWith = (digits) => (value) => {
  if (value === null || value === undefined) return "–";
  if (digits > MOST_DECIMALS) return Math.abs(value) > TINY ? setMinus(value.toExponential(1)) : "0";
  return formatNumber(Math.abs(value) > TINY ? value : 0, digits);
};

// How a view writes the values of its measure, and their differences: all of them with the same number of decimals.
function makeFormats({ lines, places }, ticked, baseline) {
  const scores = countDecimals(lines.flatMap((line) => [...line.cells.keys()].flatMap((place) => listScores(line, place))));
  const differences = ticked.filter((line) => line !== baseline).flatMap((line) => places.map((place) => computeMean(listDifferences(line, baseline, place))));
  return { score: formatWith(scores), difference: formatWith(Math.max(scores, countDecimals(differences))) };
}

const formatInterval = (estimate, format) => (estimate.low !== null ? say("until", { low: format(estimate.low), high: format(estimate.high) }) : !estimate.n ? "–" : say(estimate.n < FEWEST_PAIRS ? "few" : "many"));

function chooseExperiment() { // the user's own results first
  const names = Object.keys(data.tables);
  if (data.own.experiment && data.own.task) view.choices.task ??= data.own.task;
  return data.own.experiment || (names.includes(USUAL_EXPERIMENT) ? USUAL_EXPERIMENT : names[0]);
}

// The view with every choice made, and what it shows.
function settleView(stored) {
  const asked = { choices: view.choices, minus: view.minus, at: view.at };
  const selection = select(stored, view);
  view.choices = Object.fromEntries(selection.choices.map((one) => [one.column, one.value]));
  const names = selection.lines.map((one) => one.name);
  const own = selection.lines.filter((one) => one.encoding === data.own.encoding).map((one) => one.name);
  const kept = listWanted(selection.lines);
  view.lines = kept.length ? kept : [...new Set([...own, ...names])].slice(0, FEW);
  const ticked = selection.lines.filter((one) => view.lines.includes(one.name));
  view.minus = [wanted.minus, view.minus, "none", ticked[0].name].find((one) => view.lines.includes(one));
  const train = findTrainLength(stored, selection);
  if (!selection.places.includes(view.at)) view.at = pickPlace(selection, ticked, train);
  const canLog = selection.as === "curve" && selection.places.length > 2 && +selection.places[0] > 0;
  const baseline = ticked.find((one) => one.name === view.minus);
  const labels = new Map(selection.lines.map((one) => [one.name, nameLine(stored, one.row, selection.choices.filter((choice) => choice.value === ALL).map((choice) => choice.column), wordOf, columnOf)]));
  const place = view.at ?? "";
  const pairs = selection.as === "map" ? [] : ticked.map((line) => {
    const scores = listScores(line, place);
    return { line, label: labels.get(line.name), mean: computeMean(scores), n: scores.length, estimate: estimateDifferenceFrom(line, baseline, place) };
  });
  const format = makeFormats(selection, ticked, baseline);
  return { stored, selection, ticked, format, asked, baseline, labels, train, canLog, logarithmic: canLog && (view.log ?? (isWide(selection) ? "1" : "0")) === "1", pairs, baselines: listBaselines(stored, selection, ticked) };
}

const findTrainLength = ({ at }, { x, rows }) => (x === "test_length" ? +rows[0][at.train_length] : undefined);

// The place of the table: twice the training length, or the last that all lines have.
function pickPlace({ as, x, places }, lines, train) {
  if (as !== "curve" || x === NOTHING) return null;
  return places.find((one) => train !== undefined && +one >= 2 * train) ?? places.findLast((place) => lines.every((line) => line.cells.has(place))) ?? places.at(-1);
}

// The lines that the reader ticked, as far as they are here; an encoding that has no plain line stands for all of its own.
function listWanted(lines) {
  const all = (wanted.lines || []).flatMap((name) => {
    const own = lines.filter((line) => line.name === name);
    return (own.length ? own : lines.filter((line) => line.encoding === name)).map((line) => line.name);
  });
  return [...new Set(all)];
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

// What the reader asked for and does not get, a sentence each.
function listReplaced({ stored, selection, labels }, asked) {
  const found = [];
  const shownIn = (column) => listValues(selection.rows, stored.at[column]);
  const replaced = Object.entries(asked.choices).filter(([column, value]) => column in stored.at && value !== ALL && !shownIn(column).includes(value));
  for (const [column, value] of replaced) {
    const got = shownIn(column).map((one) => wordOf(column, one)).join(say("comma"));
    const tasks = "task" in stored.at ? shownIn("task") : [];
    const words = { asked: wordOf(column, value), got, task: tasks.map((one) => wordOf("task", one)).join(say("comma")), column: columnOf(column) };
    found.push(say(column === "architecture" && tasks.length === 1 && tasks[0] ? "replaced_architecture" : "replaced", words));
  }
  const known = new Set(listValues(stored.rows, stored.at.encoding)); // a line of another experiment is not missed here
  const here = new Set(selection.lines.flatMap((line) => [line.name, line.encoding]));
  const absent = (wanted.lines || []).filter((one) => !here.has(one) && known.has(one.split(/ [+→]|, /)[0]));
  if (absent.length) found.push(say("absent_lines", { names: absent.join(say("comma")) }));
  if (asked.minus && !view.lines.includes(asked.minus)) found.push(say("replaced_minus", { asked: labels.get(asked.minus) ?? asked.minus, got: labels.get(view.minus) }));
  if (asked.at !== null && asked.at !== undefined && view.at !== null && asked.at !== view.at) found.push(say("replaced_at", { axis: columnOf(selection.x), asked: writePlace(asked.at), got: writePlace(view.at) }));
  return found;
}
