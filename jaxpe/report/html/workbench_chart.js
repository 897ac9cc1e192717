// Drawings of the workbench: curves with a band of differences below, strips for numbers without an axis.
// They are SVG with their colours as attributes, so that what is saved is what is shown. Own code, since of the libraries that
// were weighed uPlot (50 KB) draws on a canvas, and Plot needs d3 (210 + 280 KB); none walks along points with the arrow keys.

const ROOM = { left: 56, right: 14, top: 26, bottom: 42, between: 30 };
const dark = matchMedia("(prefers-color-scheme: dark)");
const INKS = { light: { ink: "#1c1c1c", quiet: "#595959", line: "#d5d5d5", paper: "#f4f4f2", warm: "#b34a00" }, dark: { ink: "#e8e8e8", quiet: "#a9a9a9", line: "#3b3f43", paper: "#202326", warm: "#f2a56b" } };
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C510A", "#666666"];
const FEWEST_TICKS = 3;
const NEAR = 1.5; // pixels: what is closer cannot be told apart
const TURN = 7; // pixels that a line is drawn for where others coincide with it
const LARGEST = 12; // the size of a marker that has others inside it
const TINY = 1e-9; // smaller numbers are rounding errors
let printing = false; // while a drawing is made to be saved: always on white

const inks = () => (printing ? { ...INKS.light, paper: "#ffffff" } : INKS[dark.matches ? "dark" : "light"]);

const mix = (from, to, share) => `#${[1, 3, 5].map((i) => Math.round(parseInt(from.slice(i, i + 2), 16) * (1 - share) + parseInt(to.slice(i, i + 2), 16) * share).toString(16).padStart(2, "0")).join("")}`;

function paint(colour) { // a series' colour: lighter on dark paper, as far as its own darkness asks for
  if (inks() !== INKS.dark) return colour;
  const light = [1, 3, 5].reduce((sum, i, part) => sum + parseInt(colour.slice(i, i + 2), 16) * [0.3, 0.59, 0.11][part], 0) / 255;
  return mix(colour, "#ffffff", Math.max(0, 0.62 - light));
}

function text(x, y, content, more = {}) {
  return createSvg("text", { x, y, fill: inks().ink, stroke: inks().paper, "stroke-width": 3, "paint-order": "stroke", "font-size": 12, "font-family": "system-ui, sans-serif", ...more }, String(content));
}

function makePlot(width, height, alt, focusable = true) {
  return createSvg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", tabindex: focusable ? 0 : undefined, "aria-label": alt });
}

function pickStyles(lines) { // an encoding's own look; a line whose colour another one has gets one of the palette
  const used = new Set();
  return lines.map((line, i) => {
    const own = [line.name.split(" → ")[0], line.encoding].filter((name) => Object.hasOwn(data.styles, name)).map((name) => data.styles[name])[0];
    if (own && !used.has(own.colour)) { used.add(own.colour); return own; }
    const colour = PALETTE.find((one) => !used.has(one)) ?? PALETTE[i % PALETTE.length];
    used.add(colour);
    return { colour, marker: "osD^vPX*"[i % 8], dash: DASHES[i % DASHES.length] };
  });
}

// Where values lie in a panel between two edges.
function makeScale([low, high], [from, to], logarithmic = false) {
  const bend = logarithmic ? Math.log : (value) => value;
  const [first, last] = [bend(low), bend(high)];
  return (value) => from + ((bend(value) - first) / (last - first || 1)) * (to - from);
}

function findRange(values, whole) { // shares show 0 to 1; other numbers their own range
  const there = values.filter((value) => value !== null && Number.isFinite(value));
  if (!there.length) return [0, 1];
  const [low, high] = [Math.min(...there), Math.max(...there)];
  if (whole && low >= 0 && high <= 1) return [0, 1];
  const room = (high - low > TINY ? high - low : Math.abs(high) > TINY ? Math.abs(high) : 1) * 0.05;
  return [low >= 0 && low < high / 2 ? 0 : low - room, high + room];
}

function findTicks(low, high, count) { // about `count` round numbers, and never fewer than three
  const all = ticks(low, high, count);
  return all.length < FEWEST_TICKS && count < 4 * FEWEST_TICKS ? findTicks(low, high, count + 1) : all;
}

function listTicks(low, high, count, logarithmic) {
  if (!logarithmic) return findTicks(low, high, count);
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) for (const one of [1, 2, 5]) all.push(+(one * 10 ** power).toPrecision(3));
  const inside = all.filter((one) => one >= low * 0.999 && one <= high * 1.001);
  return inside.length > count * 1.5 ? inside.filter((one) => /^[0.]*1/.test(String(one))) : inside;
}

function chooseTicks(values, x, otherwise) { // the values themselves where they are few and far enough apart
  const own = [...new Set(values)].sort((a, b) => a - b);
  return own.length <= 6 && own.every((one, i) => !i || x(one) - x(own[i - 1]) > 26) ? own : otherwise();
}

function drawGrid(svg, range, y, width, label, room = ROOM) {
  const ink = inks();
  const marked = findTicks(...range, 4);
  formatTicks(marked).forEach((word, i) => {
    const at = marked[i];
    svg.append(createSvg("line", { x1: room.left, x2: width - room.right, y1: y(at), y2: y(at), stroke: at === 0 && range[0] < 0 ? ink.quiet : ink.line }));
    svg.append(text(room.left - 6, y(at) + 4, word, { "text-anchor": "end" }));
  });
  const middle = (y(range[0]) + y(range[1])) / 2;
  svg.append(text(13, middle, label, { "text-anchor": "middle", transform: `rotate(-90 13 ${middle})` }));
}

// Groups of items with the same key that lie so near each other, in every coordinate of `apart`, that one would hide another.
function groupNear(items, keyOf, apart) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    const near = groups.get(key).find((group) => group.some((one) => apart(one, item).every((gap) => Math.abs(gap) < NEAR)));
    if (near) near.push(item); else groups.get(key).push([item]);
  }
  return [...groups.values()].flat();
}

const isShared = (svg) => svg.hasAttribute("data-shared"); // whether lines of a drawing coincide somewhere

// Lines as paths. Where some coincide they take turns along the way, and nothing is moved; returns whether any do.
function drawPaths(svg, lines) {
  const segments = lines.flatMap(({ points }, number) => points.slice(1).map((to, i) => ({ number, from: points[i], to })));
  const groups = groupNear(segments, ({ from, to }) => `${from.x.toFixed(1)} ${to.x.toFixed(1)}`, (a, b) => [a.from.y - b.from.y, a.to.y - b.to.y]);
  for (const group of groups) for (const segment of group) segment.group = group.map((one) => one.number);
  lines.forEach((line, number) => {
    const runs = [];
    for (const segment of segments.filter((one) => one.number === number)) {
      const last = runs.at(-1);
      if (last && last.group.join() === segment.group.join()) last.points.push(segment.to);
      else runs.push({ group: segment.group, points: [segment.from, segment.to] });
    }
    for (const { group, points } of runs) {
      const length = points.slice(1).reduce((sum, point, i) => sum + Math.hypot(point.x - points[i].x, point.y - points[i].y), 0);
      const [turn, count] = [Math.min(TURN, Math.max(2, length / (2 * group.length))), group.length];
      const dash = count > 1 ? { "stroke-dasharray": `${turn} ${turn * (count - 1)}`, "stroke-dashoffset": -turn * group.indexOf(number) } : { "stroke-dasharray": line.dash };
      svg.append(createSvg("path", { d: points.map((point, i) => `${i ? "L" : "M"}${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(""), fill: "none", stroke: line.colour, "stroke-width": line.thickness ?? 2, ...dash }));
    }
  });
  return groups.some((group) => group.length > 1);
}

const tracePath = (points, x, y) => points.filter((point) => point[1] !== null).map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)},${y(b).toFixed(1)}`).join("");

// series: [{label, colour, marker, dash, points: [[x, mean]], seeds: [[x, value]], differences: [[x, estimate]]}]
function drawCurves({ width, series, baselines, labels, logarithmic, train, at, alt, onPoint }) {
  const compared = series.filter((one) => one.differences.length);
  const [upper, lower] = [290, compared.length ? 170 : 0];
  const height = ROOM.top + upper + (lower ? ROOM.between + lower : 0) + ROOM.bottom;
  const svg = makePlot(width, height, alt);
  const ink = inks();
  const all = [...series, ...baselines];
  const xs = all.flatMap((one) => one.points.map((point) => point[0])).concat(train ?? []);
  let [first, last] = [Math.min(...xs), Math.max(...xs)];
  if (first === last) [first, last] = [first - 1, last + 1];
  const x = makeScale([first, last], [ROOM.left + 8, width - ROOM.right - 8], logarithmic);
  const range = findRange(all.flatMap((one) => [...one.points, ...(one.seeds || [])].map((point) => point[1])), true);
  const y = makeScale(range, [ROOM.top + upper, ROOM.top]);
  const foot = height - ROOM.bottom;
  drawGrid(svg, range, y, width, labels.y);
  if (train !== undefined) {
    svg.append(createSvg("line", { x1: x(train), x2: x(train), y1: ROOM.top, y2: foot, stroke: ink.quiet }));
    svg.append(text(x(train), ROOM.top - 10, say("trained", { length: train }), { fill: ink.quiet, "text-anchor": x(train) < width / 2 ? "start" : "end" }));
  }
  if (at !== null) svg.append(createSvg("line", { x1: x(at), x2: x(at), y1: ROOM.top, y2: foot, stroke: ink.ink, "stroke-dasharray": "1 3", "stroke-width": 1.5 }));
  for (const tick of chooseTicks(xs, x, () => listTicks(first, last, Math.max(3, Math.floor(width / 75)), logarithmic))) svg.append(text(x(tick), foot + 16, setMinus(tick), { "text-anchor": "middle" }));
  svg.append(text((ROOM.left + width - ROOM.right) / 2, height - 8, labels.x, { "text-anchor": "middle" }));
  const places = drawLines(svg, series, baselines.map((one) => ({ ...one, colour: ink.ink, thickness: 1.2 })), x, y);
  if (lower) drawDifferences(svg, compared, x, [ROOM.top + upper + ROOM.between, foot], width, labels.difference);
  if (onPoint && places.length) walk(svg, places, series, onPoint);
  return svg;
}

// Series with their seeds and markers, over `others` without; returns where the markers are.
function drawLines(svg, series, others, x, y, size = 4) {
  const traced = [...others, ...series].map((one) => ({ ...one, points: one.points.map(([a, b], index) => ({ index, x: x(a), y: b === null ? null : y(b) })).filter((point) => point.y !== null) }));
  const shares = drawPaths(svg, traced);
  for (const one of series) for (const [a, b] of one.seeds || []) svg.append(createSvg("circle", { cx: x(a), cy: y(b), r: 2, fill: one.colour, opacity: 0.45 }));
  const places = traced.slice(others.length).flatMap((one, number) => one.points.map((point) => ({ ...point, number })));
  for (const group of groupNear(places, (point) => point.x.toFixed(1), (a, b) => [a.y - b.y])) { // the first is the largest, the others lie inside it
    const step = Math.min(2, (LARGEST - size) / (group.length - 1));
    group.forEach((point, rank) => { point.size = group.length > 1 ? size + step * (group.length - 1 - rank) : size; });
  }
  for (const { number, x: a, y: b, size: own } of places) svg.append(marker(series[number].marker, a, b, series[number].colour, own));
  if (shares) svg.setAttribute("data-shared", "");
  return places;
}

function drawDifferences(svg, series, x, [top, bottom], width, label) { // means, and 95 % bands where there are six pairs
  const range = findRange(series.flatMap((one) => one.differences.flatMap(([, own]) => [own.mean, own.low, own.high, 0])), false);
  const y = makeScale(range[0] === 0 ? [-range[1] / 12, range[1]] : range, [bottom, top]);
  drawGrid(svg, range[0] === 0 ? [-range[1] / 12, range[1]] : range, y, width, label);
  for (const one of series) {
    const banded = one.differences.filter(([, own]) => own.low !== null);
    if (banded.length > 1) {
      const edge = [...banded.map(([a, own]) => [a, own.high]), ...banded.toReversed().map(([a, own]) => [a, own.low])];
      svg.append(createSvg("path", { d: `${tracePath(edge, x, y)}Z`, fill: one.colour, opacity: 0.22 }));
    } else for (const [a, own] of banded) svg.append(createSvg("line", { x1: x(a), x2: x(a), y1: y(own.low), y2: y(own.high), stroke: one.colour, "stroke-width": 3, opacity: 0.5 }));
  }
  drawLines(svg, series.map((one) => ({ ...one, seeds: [], points: one.differences.map(([a, own]) => [a, own.mean]) })), [], x, y, 3);
}

// Numbers without an axis: one strip a line, its seeds as dots and its mean as its marker.
function drawStrips({ width, series, labels, alt, onPoint }) {
  const [row, room] = [36, { ...ROOM, left: 14 }];
  const foot = room.top + row * series.length + 6;
  const svg = makePlot(width, foot + room.bottom, alt);
  const ink = inks();
  const range = findRange(series.flatMap((one) => one.seeds.map((seed) => seed[1])), true);
  const x = makeScale(range, [room.left + 8, width - room.right - 8]);
  const marked = findTicks(...range, Math.max(3, Math.floor(width / 90)));
  formatTicks(marked).forEach((word, i) => {
    svg.append(createSvg("line", { x1: x(marked[i]), x2: x(marked[i]), y1: room.top, y2: foot, stroke: ink.line }));
    svg.append(text(x(marked[i]), foot + 16, word, { "text-anchor": "middle" }));
  });
  svg.append(text(width / 2, foot + room.bottom - 8, labels.y, { "text-anchor": "middle" }));
  const places = series.flatMap((one, number) => {
    const y = room.top + row * number + 26;
    svg.append(text(room.left, y - 12, one.label));
    svg.append(createSvg("line", { x1: room.left, x2: width - room.right, y1: y, y2: y, stroke: ink.line }));
    for (const [, value] of one.seeds) svg.append(createSvg("circle", { cx: x(value), cy: y, r: 3, fill: one.colour, opacity: 0.45 }));
    const mean = one.points[0]?.[1] ?? null;
    if (mean === null) return [];
    svg.append(marker(one.marker, x(mean), y, one.colour, 5));
    return [{ number, index: 0, x: x(mean), y }];
  });
  if (onPoint && places.length) walk(svg, places, series, onPoint);
  return svg;
}
