// The tables of the folder, whole as they were written, and the lines that a choice among their rows gives.

const NO_CHOICE = new Set(["experiment", "encoding", "seed", "value", "length_baseline", "order_blind_baseline", "n_examples", "untrained_share", "diverged"]);
const NOTES = new Set(["text", "word"]); // what a row says in words
const FIRST = ["metric", "task", "architecture"];
const LISTED_WHOLE = ["task", "architecture"]; // choices that also name what was not run with the others
const SIDE_BY_SIDE = new Set(["positions", "test_positions", "tested_with"]); // shown side by side unless one is chosen
const AXES = ["test_length", "steps", "layer", "position_factor", "initial_std", "weight", "noise", "rank", "width", "offset", "row"];
const PLANES = [["column", "row"], ["dimension", "position"]]; // pairs of columns that make a map
const USUAL = ["recovery", "token_accuracy", "both_named", "order_accuracy", "plain", "none", "trained"]; // what a choice starts with
const ALL = "*"; // the value of a choice that shows all side by side
const NOTHING = "-"; // the horizontal axis of numbers that have none
const MANY = 4; // more values than this are not shown side by side by themselves
const tables = new Map(); // by experiment, once they were needed

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

async function loadTable(experiment) {
  const table = tables.get(experiment) || makeTable(await unpack(data.tables[experiment]));
  tables.set(experiment, table);
  return table;
}

function parseCsv(text) {
  const cell = /("[^"]*(?:""[^"]*)*"|[^,\n]*)(,|\n)/y;
  const lines = [];
  let line = [];
  for (let match; (match = cell.exec(text)); ) {
    line.push(match[1][0] === '"' ? match[1].slice(1, -1).replaceAll('""', '"') : match[1]);
    if (match[2] === "\n") { lines.push(line); line = []; }
  }
  return lines;
}

function makeTable(text) {
  const [columns, ...rows] = parseCsv(text);
  const at = Object.fromEntries(columns.map((column, i) => [column, i]));
  const numeric = new Set(columns.filter((_, i) => rows.every((row) => row[i] === "" || Number.isFinite(+row[i]))));
  return { columns, rows, at, numeric };
}

const listValues = (rows, i) => [...new Set(rows.map((row) => row[i]))];
const byNumber = (a, b) => (a === "") - (b === "") || a - b;

// Whether column `i` has two values in rows that agree in the columns `key`.
function tellsApart(rows, key, i) {
  const seen = new Map();
  return rows.some((row) => {
    const place = key.map((one) => row[one]).join("\u0000");
    if (!seen.has(place)) seen.set(place, row[i]);
    return seen.get(place) !== row[i];
  });
}

// What a view shows of a table: every column that differs among the rows becomes a choice, an axis or a part of the lines'
// names, so that each row is in some view. `view`: {choices: {column: value}, as, x, y}.
function select(table, view) {
  const { at, numeric } = table;
  const chosen = { choices: [], sideBySide: [], rows: table.rows };
  const numbered = table.columns.filter((column) => numeric.has(column) && !NO_CHOICE.has(column));
  const isFull = (column) => chosen.rows.every((row) => row[at[column]] !== "");
  // Whether a column in words says more than the encoding, the positions and the numbers of its row, as `range` of lengths does not.
  const saysMore = (column) => tellsApart(chosen.rows, ["encoding", "seed", ...[...SIDE_BY_SIDE].filter((one) => one in at), ...numbered.filter(isFull)].map((one) => at[one]), at[column]);
  const settle = (column, pickUsual) => {
    const options = listValues(chosen.rows, at[column]);
    const absent = LISTED_WHOLE.includes(column) ? listValues(table.rows, at[column]).filter((one) => one !== "" && !options.includes(one)) : [];
    if (options.length < 2 && (!absent.length || options[0] === "")) return;
    let value = view.choices[column];
    if (!(value === ALL && column !== "metric" && options.length > 1) && !options.includes(value)) value = pickUsual(options);
    chosen.choices.push({ column, value, absent, options: [...(column === "metric" || options.length < 2 ? [] : [ALL]), ...(numeric.has(column) ? options.sort(byNumber) : options)] });
    if (value === ALL) chosen.sideBySide.push(column);
    else chosen.rows = chosen.rows.filter((row) => row[at[column]] === value);
  };
  const words = table.columns.filter((column) => !numeric.has(column) && !NO_CHOICE.has(column) && !NOTES.has(column) && !FIRST.includes(column));
  const alone = (options) => listValues(chosen.rows, at.encoding).length < 2 && options.length <= MANY; // no encodings to compare
  for (const column of [...FIRST, ...words]) if (!words.includes(column) || SIDE_BY_SIDE.has(column) || saysMore(column)) settle(column, (options) => (SIDE_BY_SIDE.has(column) || (words.includes(column) && alone(options)) ? ALL : USUAL.find((one) => options.includes(one)) ?? options[0]));

  const numbers = numbered.filter((column) => listValues(chosen.rows, at[column]).length > 1);
  const key = () => ["encoding", ...chosen.sideBySide, "seed"].map((column) => at[column]);
  const axes = [...AXES.filter((column) => numbers.includes(column)), ...numbers.filter((column) => !AXES.includes(column))];
  const plane = PLANES.find((pair) => pair.every((column) => axes.includes(column)));
  const as = axes.length > 1 && ["curve", "map"].includes(view.as) ? view.as : plane ? "map" : "curve";
  const usualX = as === "map" ? (plane ? plane[0] : axes[0]) : pickAxis(table, chosen.rows, axes.filter((column) => tellsApart(chosen.rows, key(), at[column])));
  const x = axes.includes(view.x) || (view.x === NOTHING && as === "curve") ? view.x : usualX;
  const y = as === "map" ? [view.y, ...(plane || []), ...axes].find((column) => axes.includes(column) && column !== x) : null;
  const placed = [x, y].filter((column) => axes.includes(column));
  for (const column of numbers.filter((one) => !placed.includes(one))) {
    const own = [...key(), ...placed.map((one) => at[one])];
    if (tellsApart(chosen.rows, own, at[column])) settle(column, (options) => pickNumber(table, chosen.rows, column, options));
  }
  for (const column of NOTES) if (column in at && tellsApart(chosen.rows, [...key(), ...placed.map((one) => at[one])], at[column])) settle(column, () => ALL);
  return { ...chosen, axes, as, x, y, ...makeLines(table, chosen, as, x, y) };
}

// Of the columns along which lines have several values: of those that are usual axes, the one with most values.
function pickAxis({ at }, rows, columns) {
  const usual = columns.filter((column) => AXES.includes(column));
  const count = (column) => listValues(rows, at[column]).length;
  return (usual.length ? usual.reduce((best, one) => (count(one) > count(best) ? one : best)) : columns[0]) ?? NOTHING;
}

// The commonest value of a column, or all of them where that would hide an encoding and they are few.
function pickNumber({ at }, rows, column, options) {
  const count = (value) => rows.filter((row) => row[at[column]] === value);
  const commonest = options.map(count).reduce((best, one) => (one.length > best.length ? one : best));
  const hides = listValues(rows, at.encoding).length > listValues(commonest, at.encoding).length;
  return hides && options.length <= MANY ? ALL : commonest[0][at[column]];
}

// Lines of cells by their place on the axes and by seed. `repeated`, `unplaced`, `empty`: rows in no line, and why.
function makeLines(table, { rows, sideBySide }, as, x, y) {
  const { at } = table;
  const lines = new Map();
  const left = { repeated: 0, unplaced: 0, empty: 0 };
  for (const row of rows) {
    const name = nameLine(table, row, sideBySide);
    if (!lines.has(name)) lines.set(name, { name, encoding: row[at.encoding], row, cells: new Map() });
    const [u, v] = [x, y].map((column) => (column === null || column === NOTHING ? "" : row[at[column]]));
    if ((x !== NOTHING && u === "") || (y !== null && v === "")) { left.unplaced++; continue; }
    const place = as === "map" ? `${u} ${v}` : u;
    const { cells } = lines.get(name);
    if (!cells.has(place)) cells.set(place, new Map());
    const bySeed = cells.get(place);
    bySeed.set(row[at.seed], [...(bySeed.get(row[at.seed]) || []), row]);
  }
  for (const { cells } of lines.values()) for (const bySeed of cells.values()) for (const [seed, own] of bySeed) {
    if (own.length > 1) { left.repeated += own.length; bySeed.delete(seed); continue; }
    const value = own[0][at.value];
    if (value === "" || !Number.isFinite(+value)) left.empty++;
    bySeed.set(seed, { row: own[0], value: value === "" || !Number.isFinite(+value) ? null : +value });
  }
  const places = as === "map" ? [] : [...new Set([...lines.values()].flatMap((line) => [...line.cells.keys()]))].sort(byNumber);
  return { lines: [...lines.values()], places, left };
}

// 'sinusoidal + randomized → spread, width 40'; in words where `wordOf` and `columnOf` give them.
function nameLine({ at }, row, sideBySide, wordOf = (_, value) => value, columnOf = (column) => column) {
  const get = (column) => (sideBySide.includes(column) ? row[at[column]] : "");
  const [positions, tested] = [get("positions"), get("test_positions")];
  let name = row[at.encoding] && wordOf("encoding", row[at.encoding]);
  if (positions && positions !== "arange") name += ` + ${wordOf("positions", positions)}`;
  if (tested && tested !== row[at.positions]) name += ` → ${wordOf("positions", tested)}`;
  const others = sideBySide.filter((column) => column !== "positions" && column !== "test_positions" && row[at[column]] !== "");
  return [name, ...others.map((column) => `${columnOf(column)} ${wordOf(column, row[at[column]])}`)].filter(Boolean).join(", ") || wordOf("metric", row[at.metric]);
}

// Paired differences of two lines at one place.
function listDifferences(line, baseline, place) {
  const [own, other] = [line.cells.get(place), baseline.cells.get(place)];
  const pairs = own && other ? [...own].filter(([seed, one]) => one.value !== null && (other.get(seed)?.value ?? null) !== null) : [];
  return pairs.map(([seed, one]) => one.value - other.get(seed).value);
}

const compareLines = (line, baseline, place) => estimateDifference(listDifferences(line, baseline, place));

const listScores = (line, place) => [...(line.cells.get(place) || new Map()).values()].map((one) => one.value).filter((value) => value !== null);
