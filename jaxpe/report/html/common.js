"use strict";
// Words, elements and charts of both pages. Every value comes from the data element, which holds stored results.
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
  const holder = element("label", {}, label, " ", output, input);
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

// A number with a true minus sign, also in its exponent: '−0.5'. What is saved as data keeps the hyphen.
const setMinus = (number) => String(number).replace(/^-(?=\.?\d)|(?<=^-?[\d.]+e)-/g, "−");

function formatNumber(value, digits = 3) {
  return value === null || value === undefined ? "–" : setMinus(Number(value).toFixed(digits).replace(/^-(0\.?0*)$/, "$1"));
}

function formatTicks(values) { // all with as many decimals as the one that has most
  const countDigits = (words) => Math.max(...words.map((one) => /^-?\d*\.?(\d*)/.exec(one)[1].length));
  const tiny = values.some((value) => String(value).includes("e"));
  const digits = countDigits(values.map((value) => (tiny ? value.toExponential() : String(value))));
  return values.map((value) => (tiny && value ? setMinus(value.toExponential(digits)) : formatNumber(value, tiny ? 0 : digits)));
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
function chart(place, { series, x, y, low = 0, high = 1, lines = [], train, here, bars = false, alt, onPoint, logarithmic = false, xTicks, xName = setMinus, height = 260 }) {
  const width = Math.max(260, Math.min(640, place.clientWidth || 560));
  const xs = series.concat(lines).flatMap((one) => one.points.map((point) => point[0]));
  let [first, last] = [Math.min(...xs), Math.max(...xs)];
  if (first === last) [first, last] = [first - 1, last + 1];
  if (bars) [first, last] = [first - 0.6, last + 0.6];
  const scale = logarithmic ? Math.log : (value) => value;
  const px = (value) => SIDE.left + ((scale(value) - scale(first)) / (scale(last) - scale(first))) * (width - SIDE.left - SIDE.right);
  const py = (value) => height - SIDE.bottom - ((value - low) / (high - low || 1)) * (height - SIDE.top - SIDE.bottom);
  const svg = createSvg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: onPoint ? 0 : undefined, "aria-label": alt });
  const marked = ticks(low, high);
  formatTicks(marked).forEach((word, i) => {
    svg.append(createSvg("line", { class: "grid", x1: SIDE.left, x2: width - SIDE.right, y1: py(marked[i]), y2: py(marked[i]) }));
    svg.append(createSvg("text", { x: SIDE.left - 6, y: py(marked[i]) + 4, "text-anchor": "end" }, word));
  });
  for (const at of xTicks || ticks(first, last, Math.max(3, Math.floor(width / 70)))) svg.append(createSvg("text", { x: px(at), y: height - SIDE.bottom + 16, "text-anchor": "middle" }, xName(at)));
  svg.append(createSvg("line", { class: "axis", x1: SIDE.left, x2: width - SIDE.right, y1: py(Math.max(low, Math.min(0, high))), y2: py(Math.max(low, Math.min(0, high))) }));
  svg.append(createSvg("text", { x: (SIDE.left + width - SIDE.right) / 2, y: height - 6, "text-anchor": "middle" }, x));
  svg.append(createSvg("text", { x: 12, y: (height - SIDE.bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(height - SIDE.bottom) / 2})` }, y));
  if (train !== undefined) {
    svg.append(createSvg("line", { class: "axis", x1: px(train), x2: px(train), y1: SIDE.top, y2: height - SIDE.bottom }));
    const right = px(train) < width / 2;
    svg.append(createSvg("text", { x: px(train) + (right ? 4 : -4), y: SIDE.top + 26, "text-anchor": right ? "start" : "end" }, say("trained", { length: train })));
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
    if (event.key === "Enter") svg.dispatchEvent(new MouseEvent("click"));
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
