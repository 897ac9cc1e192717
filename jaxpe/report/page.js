"use strict";
// The interactive figures. Every value comes from the data element, which holds stored results.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const redraws = []; // drawn again when the language is switched, because they contain words

// ── words and elements ─────────────────────────────────────────────────────────────────────────────────────────────

function say(key, values = {}) {
  return data.messages[key][root.dataset.language].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function createSvg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function drawAndKeep(draw) {
  draw();
  redraws.push(draw);
}

let controls = 0;

// A label with its control; `change` is readableName with the value whenever it moves. `say`s are kept in the right language.
function slider(key, low, high, value, change, shown = String) {
  const output = element("output");
  const input = element("input", { type: "range", min: low, max: high, step: 1, value, id: `control${++controls}` });
  const label = element("label", { for: input.id });
  const showValue = () => {
    output.textContent = shown(+input.value);
    input.setAttribute("aria-valuetext", shown(+input.value));
  };
  input.addEventListener("input", () => { showValue(); change(+input.value); });
  drawAndKeep(() => { label.replaceChildren(say(key)); showValue(); });
  const holder = element("label", {}, label, input, output);
  return Object.assign(asControl(holder), { input, showValue });
}

function asControl(holder) { // a label may not contain a label: the outer element becomes a span
  const node = element("span", { class: "control" });
  node.append(...holder.childNodes);
  return node;
}

function choice(key, options, value, change, nameOf = String) {
  const input = element("select", { id: `control${++controls}`, onchange: () => change(input.value) });
  const label = element("label", { for: input.id });
  drawAndKeep(() => {
    label.replaceChildren(say(key));
    const now = input.value || value;
    input.replaceChildren(...options.map((one) => element("option", { value: one, ...(one === now ? { selected: "" } : {}) }, nameOf(one))));
  });
  return Object.assign(element("span", { class: "control" }, label, " ", input), { input });
}

function readableName(name) { // an encoding's name in words
  const key = `name_${name.replace(" ", "_")}`;
  return key in data.messages ? say(key) : name;
}

function formatNumber(value, digits = 3) {
  return value === null || value === undefined ? "–" : Number(value).toFixed(digits).replace(/^-(0\.?0*)$/, "$1");
}

// ── charts ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const SIDE = { left: 46, right: 12, top: 10, bottom: 38 };
const DASHES = ["", "6 3", "7 3 2 3", "2 2", "9 3 2 3 2 3", "4 2"];

function look(name) {
  return data.styles[name] || { colour: "#777", marker: "o", dash: "" };
}

function marker(kind, x, y, colour, size = 4) {
  const polygon = (sides, turn) => Array.from({ length: sides }, (_, i) => {
    const angle = turn + (2 * Math.PI * i) / sides;
    return `${x + size * 1.25 * Math.sin(angle)},${y - size * 1.25 * Math.cos(angle)}`;
  }).join(" ");
  const shapes = { s: [4, Math.PI / 4], D: [4, 0], d: [4, 0], "^": [3, 0], 1: [3, 0], v: [3, Math.PI], 2: [3, Math.PI], "<": [3, -Math.PI / 2], 3: [3, -Math.PI / 2], ">": [3, Math.PI / 2], p: [5, 0], h: [6, 0], H: [6, Math.PI / 6], 8: [8, 0] };
  if (shapes[kind]) return createSvg("polygon", { points: polygon(...shapes[kind]), fill: colour });
  const crosses = { "+": 0, P: 0, X: 1, x: 1, "*": 2, _: 3, "|": 4 };
  if (kind in crosses) {
    const s = size;
    const path = [`M${x - s},${y}H${x + s}M${x},${y - s}V${y + s}`, `M${x - s},${y - s}L${x + s},${y + s}M${x - s},${y + s}L${x + s},${y - s}`, `M${x - s},${y}H${x + s}M${x},${y - s}V${y + s}M${x - s},${y - s}L${x + s},${y + s}M${x - s},${y + s}L${x + s},${y - s}`, `M${x - s},${y}H${x + s}`, `M${x},${y - s}V${y + s}`][crosses[kind]];
    return createSvg("path", { d: path, stroke: colour, "stroke-width": 2, fill: "none" });
  }
  return createSvg("circle", { cx: x, cy: y, r: size, fill: colour });
}

function ticks(low, high, count = 5) {
  const step = 10 ** Math.floor(Math.log10((high - low) / count || 1));
  const size = [1, 2, 5, 10].map((one) => one * step).find((one) => (high - low) / one <= count) || step;
  const values = [];
  for (let at = Math.ceil(low / size) * size; at <= high + 1e-9; at += size) values.push(+at.toFixed(10));
  return values;
}

// series: [{name, points: [[x, y]], seeds: [[x, y]], colour, marker, dash}]. Arrow keys walk along points and series.
// It is as wide as its place, so that text keeps its size on a phone.
function chart(place, { series, x, y, low = 0, high = 1, lines = [], train, here, bars = false, alt, onPoint, logarithmic = false, xTicks, height = 260 }) {
  const width = Math.max(260, Math.min(640, place.clientWidth || 560));
  const xs = series.concat(lines).flatMap((one) => one.points.map((point) => point[0]));
  let [first, last] = [Math.min(...xs), Math.max(...xs)];
  if (first === last) [first, last] = [first - 1, last + 1];
  if (bars) [first, last] = [first - 0.6, last + 0.6];
  const scale = logarithmic ? Math.log : (value) => value;
  const px = (value) => SIDE.left + ((scale(value) - scale(first)) / (scale(last) - scale(first))) * (width - SIDE.left - SIDE.right);
  const py = (value) => height - SIDE.bottom - ((value - low) / (high - low || 1)) * (height - SIDE.top - SIDE.bottom);
  const svg = createSvg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: onPoint ? 0 : undefined, "aria-label": alt });
  for (const at of ticks(low, high)) {
    svg.append(createSvg("line", { class: "grid", x1: SIDE.left, x2: width - SIDE.right, y1: py(at), y2: py(at) }));
    svg.append(createSvg("text", { x: SIDE.left - 6, y: py(at) + 4, "text-anchor": "end" }, String(at)));
  }
  for (const at of xTicks || ticks(first, last, Math.max(3, Math.floor(width / 70)))) svg.append(createSvg("text", { x: px(at), y: height - SIDE.bottom + 16, "text-anchor": "middle" }, String(at)));
  svg.append(createSvg("line", { class: "axis", x1: SIDE.left, x2: width - SIDE.right, y1: py(Math.max(low, Math.min(0, high))), y2: py(Math.max(low, Math.min(0, high))) }));
  svg.append(createSvg("text", { x: (SIDE.left + width - SIDE.right) / 2, y: height - 6, "text-anchor": "middle" }, x));
  svg.append(createSvg("text", { x: 12, y: (height - SIDE.bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(height - SIDE.bottom) / 2})` }, y));
  if (train !== undefined) {
    svg.append(createSvg("line", { class: "axis", x1: px(train), x2: px(train), y1: SIDE.top, y2: height - SIDE.bottom }));
    const right = px(train) < width / 2;
    svg.append(createSvg("text", { x: px(train) + (right ? 4 : -4), y: SIDE.top + 10, "text-anchor": right ? "start" : "end" }, say("trained", { length: train })));
  }
  if (here !== undefined) svg.append(createSvg("line", { class: "here", x1: px(here), x2: px(here), y1: SIDE.top, y2: height - SIDE.bottom }));
  const path = (points) => points.filter((point) => point[1] !== null).map(([a, b], i) => `${i ? "L" : "M"}${px(a)},${py(b)}`).join("");
  const places = [];
  series.forEach((one, number) => {
    if (bars) {
      for (const [a, b] of one.points) svg.append(createSvg("rect", { x: px(a - 0.35), width: Math.max(1, px(a + 0.35) - px(a - 0.35)), y: Math.min(py(b), py(0)), height: Math.max(0.5, Math.abs(py(b) - py(0))), fill: one.colour }));
      return;
    }
    svg.append(createSvg("path", { d: path(one.points), fill: "none", stroke: one.colour, "stroke-width": 2, "stroke-dasharray": one.dash }));
    for (const [a, b] of one.seeds || []) if (b !== null) svg.append(createSvg("circle", { cx: px(a), cy: py(b), r: 2, fill: one.colour, opacity: 0.45 }));
    one.points.forEach(([a, b], index) => {
      if (b === null) return;
      svg.append(marker(one.marker, px(a), py(b), one.colour));
      places.push({ number, index, x: px(a), y: py(b) });
    });
  });
  for (const line of lines) svg.append(createSvg("path", { d: path(line.points), fill: "none", stroke: "var(--ink)", "stroke-width": 1.2, "stroke-dasharray": line.dash }));
  if (onPoint && places.length) walk(svg, places, series, onPoint);
  place.replaceChildren(svg);
}

function walk(svg, places, series, onPoint) {
  const halo = createSvg("circle", { class: "halo", r: 8, visibility: "hidden" });
  svg.append(halo);
  let at = 0;
  const show = (number) => {
    at = number;
    halo.setAttribute("cx", places[at].x);
    halo.setAttribute("cy", places[at].y);
    halo.setAttribute("visibility", "visible");
    onPoint(series[places[at].number], places[at].index);
  };
  const nearest = (event) => {
    const box = svg.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width, ((event.clientY - box.top) / box.height) * svg.viewBox.baseVal.height];
    const far = places.map((place) => (place.x - x) ** 2 + (place.y - y) ** 2);
    show(far.indexOf(Math.min(...far)));
  };
  svg.addEventListener("pointermove", nearest);
  svg.addEventListener("pointerdown", nearest); // before the focus that a tap brings
  svg.addEventListener("focus", () => show(at));
  svg.addEventListener("keydown", (event) => {
    const now = places[at];
    const same = (number) => places.map((place, i) => [place, i]).filter(([place]) => place.number === number);
    const along = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const across = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (along) {
      const own = same(now.number);
      const place = own.findIndex(([, i]) => i === at) + along;
      show(own[Math.max(0, Math.min(own.length - 1, place))][1]);
    } else if (across) {
      const other = same((now.number + across + series.length) % series.length);
      if (other.length) show(other.reduce((best, one) => (Math.abs(one[0].x - now.x) < Math.abs(best[0].x - now.x) ? one : best))[1]);
    } else return;
    event.preventDefault();
  });
}

function sample(style, name) { // a legend entry
  const svg = createSvg("svg", { width: 34, height: 12, viewBox: "0 0 34 12", "aria-hidden": "true" });
  svg.append(createSvg("line", { x1: 0, x2: 34, y1: 6, y2: 6, stroke: style.colour, "stroke-width": 2, "stroke-dasharray": style.dash }));
  if (style.marker) svg.append(marker(style.marker, 17, 6, style.colour));
  return [svg, name];
}

function baselineLegend(lines) {
  return element("p", { class: "legend quiet" }, ...lines.map((line) => element("span", {}, ...sample({ colour: "currentColor", dash: line.dash }, ` ${line.name} `))));
}

function baselinesOf(lengths, lengthOnly, blind) {
  const lines = [];
  if (blind.some((value) => value !== null)) lines.push({ name: say("order_blind"), points: lengths.map((n, i) => [n, blind[i]]), dash: "6 3" });
  if (lengthOnly.some((value) => value !== null)) lines.push({ name: say("length_only"), points: lengths.map((n, i) => [n, lengthOnly[i]]), dash: "2 3" });
  return lines;
}

function level(share, mark = null) { // a bar, with a line to compare it with
  const percents = (value) => `${100 * Math.max(0, Math.min(1, value))}%`;
  return element("div", {}, element("i", { style: `width:${percents(share)}` }), ...(mark === null ? [] : [element("b", { style: `left:${percents(mark)}` })]));
}

// ── the guided part ────────────────────────────────────────────────────────────────────────────────────────────────

function cosine(a, b) {
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);
}

const PLAY = {
  code(holder, { rows }) {
    const names = Object.keys(rows);
    let [name, position] = [names[0], Math.min(3, rows[names[0]].length - 1)];
    const [left, right] = [element("div"), element("div")];
    const draw = () => {
      const table = rows[name], row = table[position];
      const top = Math.max(...table.flat().map(Math.abs));
      const alike = table.map((other) => cosine(row, other));
      const nearest = alike.reduce((best, value, i) => (i !== position && (best < 0 || value > alike[best]) ? i : best), -1);
      chart(left, { series: [{ name, points: row.map((value, i) => [i, value]), colour: look(name).colour }], bars: true, x: say("dimension"), y: say("added"), low: -top, high: top, alt: say("code_alt", { position, encoding: name, low: Math.min(...row), high: Math.max(...row) }) });
      chart(right, { series: [{ name, points: alike.map((value, i) => [i, value]), ...look(name) }], x: say("position"), y: say("similarity"), low: -1, high: 1, here: position, alt: say("similarity_alt", { position, nearest, value: formatNumber(alike[nearest]) }) });
    };
    const move = slider("position", 0, rows[name].length - 1, position, (value) => { position = value; draw(); });
    holder.append(element("div", { class: "controls" }, choice("encoding", names, name, (value) => { name = value; draw(); }, readableName), move), element("div", { class: "row" }, left, right));
    drawAndKeep(draw);
  },

  shift(holder) {
    const width = data.guide.code && data.guide.code.rows.sinusoidal ? data.guide.code.rows.sinusoidal[0].length : 32;
    const pairs = [0, 2, 4, 6].filter((pair) => pair < width / 2);
    let [position, offset] = [3, 2];
    const clocks = element("div", { class: "row clocks" });
    const draw = () => clocks.replaceChildren(...pairs.map((pair) => {
      const speed = 10000 ** ((-2 * pair) / width);
      const point = (angle, r) => [60 + r * Math.cos(angle), 60 - r * Math.sin(angle)];
      const [from, to, arc] = [position * speed, (position + offset) * speed, offset * speed];
      const degrees = (angle) => String(Math.round((angle * 1800) / Math.PI) / 10);
      const svg = createSvg("svg", { class: "chart", viewBox: "0 0 120 120", role: "img", "aria-label": say("clock_alt", { pair, position, offset, from: degrees(from % (2 * Math.PI)), to: degrees(to % (2 * Math.PI)), arc: degrees(arc) }) });
      const turned = arc % (2 * Math.PI), turns = Math.floor(arc / (2 * Math.PI));
      const [a, b] = [point(from, 34), point(from + turned, 34)];
      svg.append(createSvg("circle", { cx: 60, cy: 60, r: 50, fill: "none", class: "axis" }));
      svg.append(createSvg("path", { d: `M60,60L${a}A34,34 0 ${turned > Math.PI ? 1 : 0} 0 ${b}Z`, fill: "var(--warm)", opacity: 0.35 }));
      for (const [angle, colour] of [[from, "var(--accent)"], [to, "var(--warm)"]]) {
        const [px, py] = point(angle, 50);
        svg.append(createSvg("line", { x1: 60, y1: 60, x2: px, y2: py, stroke: colour, "stroke-width": 3 }));
      }
      return element("div", {}, svg, element("p", { class: "quiet" }, say("clock", { pair, arc: turns ? say(turns > 1 ? "turns" : "turn", { turns, arc: degrees(turned) }) : degrees(arc) })));
    }));
    holder.append(element("div", { class: "controls" }, slider("position", 0, 40, position, (value) => { position = value; draw(); }), slider("offset", 0, 16, offset, (value) => { offset = value; draw(); })), clocks);
    drawAndKeep(draw);
  },

  verses(holder, verses) {
    const names = Object.keys(verses[0].orders[0].guesses);
    let [verse, name, order] = [0, names[0], 0];
    const [words, bars, change] = [element("p", { class: "words", lang: "en" }), element("div"), element("output", { class: "readout" })];
    words.classList.add("always");
    const draw = () => {
      const one = verses[verse], now = one.orders[order];
      words.replaceChildren(...now.words.map((word, i) => element("span", i === one.place ? { class: "masked" } : {}, i === one.place ? "?" : word)));
      const guesses = now.guesses[name], plain = Object.fromEntries(one.orders[0].guesses[name]);
      const top = Math.max(...guesses.map((guess) => guess[1]), ...Object.values(plain));
      bars.replaceChildren(element("p", { class: "quiet" }, `${say("guesses")} · ${readableName(name)} · ${say("answer", { word: one.answer })} · ${say("order", { order: order + 1, count: one.orders.length })}`), ...guesses.map(([word, chance]) => element("div", { class: "bar" }, element("span", { lang: "en", class: "always" }, word), level(chance / top, word in plain ? plain[word] / top : null), element("span", {}, formatNumber(chance, 4)))));
      const moved = guesses.filter(([word]) => word in plain).map(([word, chance]) => Math.abs(chance - plain[word]));
      change.textContent = order ? say("changed", { change: moved.length ? formatNumber(Math.max(...moved), 4) : "–" }) : "";
    };
    const button = (key, action) => {
      const node = element("button", { type: "button", onclick: () => { action(); draw(); } });
      drawAndKeep(() => node.replaceChildren(say(key)));
      return node;
    };
    holder.append(
      element("div", { class: "controls" }, choice("verse", verses.map((_, i) => String(i + 1)), "1", (value) => { verse = value - 1; order = 0; draw(); }), choice("encoding", names, name, (value) => { name = value; draw(); }, readableName), button("shuffle", () => { order = (order % (verses[verse].orders.length - 1)) + 1; }), button("as_written", () => { order = 0; })),
      words, change, bars,
    );
    drawAndKeep(draw);
  },

  lengths(holder, result) {
    let at = result.lengths.indexOf(result.train_length);
    const [picture, readout, key] = [element("div"), element("output", { class: "readout" }), element("div")];
    const draw = () => {
      const lines = baselinesOf(result.lengths, result.length_baseline, result.order_blind_baseline);
      const series = Object.entries(result.accuracy).map(([name, values]) => ({ name, points: values.map((value, i) => [result.lengths[i], value]), ...look(name) }));
      chart(picture, { series, lines, x: say("length"), y: say("accuracy"), logarithmic: true, xTicks: [1, 2, 4, 8, 16, 32, 64, 128].filter((one) => one <= result.lengths[result.lengths.length - 1]), train: result.train_length, here: result.lengths[at], alt: say("chart_alt", { metric: say("accuracy"), x: say("length"), count: series.length }) });
      key.replaceChildren(element("p", { class: "legend" }, ...series.map((one) => element("span", {}, ...sample(one, ` ${readableName(one.name)} `)))), baselineLegend(lines));
      const length = result.lengths[at];
      readout.textContent = `${say("at_length", { length })} · ${say(length > result.train_length ? "beyond" : "within")} · ${series.map((one) => `${readableName(one.name)} ${formatNumber(one.points[at][1])}`).join(" · ")}`;
    };
    holder.append(element("div", { class: "controls" }, slider("length", 0, result.lengths.length - 1, at, (value) => { at = value; draw(); }, (i) => String(result.lengths[i]))), picture, readout, key);
    drawAndKeep(draw);
  },

  ratio(holder, { tasks, encoding, width, length, seeds }) {
    const factors = Object.values(tasks)[0].within.map(([factor]) => factor);
    let at = Math.max(0, factors.indexOf(1));
    const [bars, note] = [element("div"), element("p", { class: "quiet" })];
    const draw = () => {
      bars.replaceChildren(...Object.entries(tasks).flatMap(([task, own]) => [element("p", {}, say(task)), ...[["within", length], ["beyond", 2 * length]].map(([where, n]) => {
        const value = own[where][at][1];
        return element("div", { class: "bar" }, element("span", {}, say("at_length", { length: n })), level(value, own[`${where}_order_blind_baseline`]), element("span", {}, formatNumber(value)));
      })]));
      note.textContent = say("ratio_note", { encoding: readableName(encoding), width, length, seeds });
    };
    holder.append(element("div", { class: "controls" }, slider("share", 0, factors.length - 1, at, (value) => { at = value; draw(); }, (i) => `${factors[i]} : 1`)), bars, note);
    drawAndKeep(draw);
  },

  readers(holder, result) {
    const names = [...new Set(Object.values(result).flatMap((one) => Object.keys(one)))];
    let name = names[0];
    const [picture, key] = [element("div"), element("div")];
    const draw = () => {
      const series = Object.entries(result).filter(([, own]) => name in own).map(([reader, own], i) => ({ name: say(reader.replace(" ", "_")), points: own[name], colour: ["#0072B2", "#D55E00", "#009E73"][i], marker: ["s", "^", "o"][i], dash: DASHES[i] }));
      chart(picture, { series, x: say("width"), y: say("read"), logarithmic: true, xTicks: series[0].points.map((point) => point[0]), alt: say("chart_alt", { metric: say("read"), x: say("width"), count: series.length }) });
      key.replaceChildren(element("p", { class: "legend" }, ...series.map((one) => element("span", {}, ...sample(one, ` ${one.name} `)))));
    };
    holder.append(element("div", { class: "controls" }, choice("encoding", names, name, (value) => { name = value; draw(); }, readableName)), picture, key);
    drawAndKeep(draw);
  },
};

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

// ── figures, languages ─────────────────────────────────────────────────────────────────────────────────────────────

async function inflate(image) { // figures stay compressed until they are opened
  const packed = data.figures[image.dataset.figure];
  delete image.dataset.figure;
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  image.src = URL.createObjectURL(new Blob([await new Response(stream).arrayBuffer()], { type: "image/svg+xml" }));
}

function inflateIn(part) {
  return Promise.all([...part.querySelectorAll("img[data-figure]")].map(inflate));
}

function choose(language) {
  root.lang = root.dataset.language = language;
  document.title = document.querySelector(`h1 [lang=${language}]`).textContent;
  for (const button of document.querySelectorAll("[data-choose]")) button.setAttribute("aria-pressed", String(button.dataset.choose === language));
  for (const one of document.querySelectorAll("[data-label-en]")) one.setAttribute("aria-label", one.getAttribute(`data-label-${language}`));
  for (const draw of redraws) draw();
}

function remember(language) { // across reloads; not every browser lets a local file store it
  try {
    if (language) sessionStorage.setItem(location.pathname, language);
    return sessionStorage.getItem(location.pathname);
  } catch {
    return null;
  }
}

for (const holder of document.querySelectorAll("[data-play]")) PLAY[holder.dataset.play](holder, data.guide[holder.dataset.play]);
for (const holder of document.querySelectorAll("[data-compare]")) compare(holder);
for (const one of document.querySelectorAll("details")) {
  one.addEventListener("toggle", () => { if (one.open) inflateIn(one); });
  if (one.open) inflateIn(one);
}
for (const button of document.querySelectorAll("[data-choose]")) button.addEventListener("click", () => choose(remember(button.dataset.choose) || button.dataset.choose));
function openTarget() { // a link to a figure opens it
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}
window.addEventListener("hashchange", openTarget);
window.addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });
let wide = innerWidth;
window.addEventListener("resize", () => {
  if (innerWidth !== wide) for (const draw of redraws) draw();
  wide = innerWidth;
});
choose(remember() || root.dataset.language);
openTarget();
