// Heat maps: one panel a line, with one colour scale for all.

const HEAD = ["layer", "head"]; // columns that say which head a panel is of
const HEADROOM = 46; // above a map, for its two lines of title
const SHADES = 40; // steps of the drawn colour scale

function drawMaps({ selection, ticked, labels, stored, format }, width, metric, handlers) {
  const maps = ticked.map((line) => [...line.cells].map(([place, bySeed]) => [...place.split(" ").map(Number), computeMean([...bySeed.values()].map((one) => one.value))]));
  const values = maps.flat().map((cell) => cell[2]).filter((value) => value !== null);
  if (!values.length) return [element("p", { class: "missing" }, say("no_values"))];
  const range = [Math.min(...values), Math.max(...values)];
  const panels = ticked.map((line, i) => drawMap({
    width: Math.min(width, 420), title: labels.get(line.name), source: describeSource(stored, line), cells: maps[i], range, labels: { x: columnOf(selection.x), y: columnOf(selection.y) },
    alt: `${metric}: ${labels.get(line.name)}, ${describeSource(stored, line)}. ${handlers.cell ? say("keys") : ""}`, onCell: handlers.cell && handlers.cell(line),
  })).filter((_, i) => maps[i].length);
  return [...panels, drawScale(Math.min(width, 420), range, metric, format.score)];
}

const listRows = (line) => [...line.cells.values()].flatMap((bySeed) => [...bySeed.values()].map((one) => one.row));

// Layer, head and seeds of a panel: 'layer 1, head 2, seed 0 (n = 1)'.
function describeSource({ at }, line) {
  const rows = listRows(line);
  const heads = HEAD.filter((column) => column in at && rows[0]?.[at[column]]).map((column) => [column, listValues(rows, at[column])]);
  const seeds = listValues(rows, at.seed).filter((seed) => seed !== "");
  const words = heads.map(([column, values]) => `${columnOf(column)} ${values.map(writePlace).join(", ")}`);
  if (seeds.length === 1) words.push(`${columnOf("seed")} ${cutZero(seeds[0])} (n = 1)`);
  else if (seeds.length) words.push(say("mean_of", { count: seeds.length }));
  return words.join(say("comma"));
}

// Panels of different names with the same cells, as one head can be the best of two kinds.
function listEqual({ ticked, labels }) {
  const groups = Map.groupBy(ticked, (line) => JSON.stringify([...line.cells].map(([place, bySeed]) => [place, [...bySeed].map(([seed, one]) => [seed, one.value])])));
  return [...groups.values()].filter((lines) => lines.length > 1).map((lines) => say("equal_maps", { names: lines.map((line) => say("quoted", { name: labels.get(line.name) })).join(say("comma")) }));
}

function describeMaps(shown) { // what a cell is, and which panels are the same
  const most = Math.max(0, ...shown.ticked.map((line) => listValues(listRows(line), shown.stored.at.seed).length));
  return [say(most > 1 ? "map_mean" : "map_single"), say("map_note"), ...listEqual(shown)];
}

function makeShades(range) { // the colour of a value
  const ink = inks();
  if (range[0] >= 0) return (value) => mix(ink.paper, paint("#0072B2"), (value - range[0]) / (range[1] - range[0] || 1));
  return (value) => mix(ink.paper, value < 0 ? paint("#0072B2") : ink.warm, Math.abs(value) / Math.max(-range[0], range[1]));
}

function drawScale(width, range, label, format) {
  const svg = makePlot(width, 62, say("scale_alt", { low: format(range[0]), high: format(range[1]) }), false);
  const [colourOf, x] = [makeShades(range), makeScale(range, [ROOM.left, width - ROOM.right])];
  const step = (range[1] - range[0]) / SHADES;
  svg.append(text(ROOM.left, 14, label));
  for (let i = 0; i < SHADES; i++) svg.append(createSvg("rect", { x: x(range[0] + i * step).toFixed(1), y: 22, width: ((width - ROOM.left - ROOM.right) / SHADES + 0.3).toFixed(1), height: 14, fill: colourOf(range[0] + (i + 0.5) * step) }));
  if (range[0] < 0) svg.append(createSvg("path", { d: `M${ROOM.left},29H${x(Math.min(0, range[1])).toFixed(1)}`, stroke: inks().ink, "stroke-width": 1, "stroke-dasharray": "4 5" }));
  svg.append(createSvg("rect", { x: ROOM.left, y: 22, width: width - ROOM.left - ROOM.right, height: 14, fill: "none", stroke: inks().line }));
  const inner = findTicks(...range, 4).filter((one) => Math.min(x(one) - x(range[0]), x(range[1]) - x(one)) > 34);
  for (const at of [range[0], ...inner, range[1]]) svg.append(text(x(at), 52, format(at), { "text-anchor": "middle", "font-size": 11 }));
  return svg;
}

// A map of one line: cells [[u, v, value]] in the order of their numbers.
function drawMap({ width, title, source, cells, range, labels, alt, onCell }) {
  const [us, vs] = [0, 1].map((i) => [...new Set(cells.map((cell) => cell[i]))].sort((a, b) => a - b));
  const side = Math.min(26, (width - ROOM.left - ROOM.right) / us.length);
  const high = Math.max(4, Math.min(26, side, 420 / vs.length));
  const [right, foot] = [ROOM.left + side * us.length, HEADROOM + high * vs.length];
  const svg = makePlot(width, foot + ROOM.bottom, alt);
  const ink = inks();
  const colourOf = makeShades(range);
  svg.append(text(0, 16, title, { "font-weight": 600 }), text(0, 34, source, { fill: ink.quiet }));
  svg.append(createSvg("rect", { x: ROOM.left, y: HEADROOM, width: right - ROOM.left, height: foot - HEADROOM, fill: ink.line }));
  for (const [u, v, value] of cells) if (value !== null) svg.append(createSvg("rect", { x: (ROOM.left + side * us.indexOf(u)).toFixed(1), y: (HEADROOM + high * vs.indexOf(v)).toFixed(1), width: (side + 0.3).toFixed(1), height: (high + 0.3).toFixed(1), fill: colourOf(value) }));
  const dashes = cells.filter((cell) => cell[2] !== null && cell[2] < 0.04 * range[0]).map(([u, v]) => `M${(ROOM.left + side * (us.indexOf(u) + 0.3)).toFixed(1)},${(HEADROOM + high * (vs.indexOf(v) + 0.5)).toFixed(1)}h${(side * 0.4).toFixed(1)}`);
  if (range[0] < 0) svg.append(createSvg("path", { d: dashes.join("") || "M0,0", stroke: ink.ink, "stroke-width": Math.min(1.2, high / 4).toFixed(2) }));
  svg.append(createSvg("rect", { x: ROOM.left, y: HEADROOM, width: right - ROOM.left, height: foot - HEADROOM, fill: "none", stroke: ink.line }));
  us.forEach((u, i) => { if (i % Math.ceil(us.length / Math.max(2, (right - ROOM.left) / 40)) === 0) svg.append(text(ROOM.left + side * (i + 0.5), foot + 15, setMinus(u), { "text-anchor": "middle", "font-size": 11 })); });
  vs.forEach((v, i) => { if (i % Math.ceil((vs.length * 14) / (foot - HEADROOM)) === 0) svg.append(text(ROOM.left - 5, HEADROOM + high * (i + 0.5) + 4, setMinus(v), { "text-anchor": "end", "font-size": 11 })); });
  svg.append(text((ROOM.left + right) / 2, foot + ROOM.bottom - 10, labels.x, { "text-anchor": "middle" }));
  svg.append(text(13, (HEADROOM + foot) / 2, labels.y, { "text-anchor": "middle", transform: `rotate(-90 13 ${(HEADROOM + foot) / 2})` }));
  if (onCell) walkCells(svg, cells, us, vs, (u, v) => [ROOM.left + side * us.indexOf(u), HEADROOM + high * vs.indexOf(v), side, high], onCell);
  return svg;
}

function walkCells(svg, cells, us, vs, locate, onCell) {
  const frame = createSvg("rect", { fill: "none", stroke: inks().warm, "stroke-width": 2, visibility: "hidden" });
  svg.append(frame);
  const at = [0, 0];
  const show = () => {
    const [x, y, width, height] = locate(us[at[0]], vs[at[1]]);
    for (const [name, value] of Object.entries({ x, y, width, height, visibility: "visible" })) frame.setAttribute(name, value);
    onCell(us[at[0]], vs[at[1]], cells.find(([u, v]) => u === us[at[0]] && v === vs[at[1]])?.[2] ?? null);
  };
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width, ((event.clientY - box.top) / box.height) * svg.viewBox.baseVal.height];
    const [left, top, width, height] = locate(us[0], vs[0]);
    at[0] = Math.max(0, Math.min(us.length - 1, Math.floor((x - left) / width)));
    at[1] = Math.max(0, Math.min(vs.length - 1, Math.floor((y - top) / height)));
    show();
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("focus", show);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    at[0] = Math.max(0, Math.min(us.length - 1, at[0] + step[0]));
    at[1] = Math.max(0, Math.min(vs.length - 1, at[1] + step[1]));
    show();
    event.preventDefault();
  });
}
