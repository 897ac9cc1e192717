// The figures of the article. Those of `data.guide` show stored results; the others compute what they show.

// ── vectors as coloured squares ─────────────────────────────────────────────────────────────────────────────────────

const WIDTH = 16; // numbers of a vector in the drawings
const WORDS = ["the", "man", "bites", "dog", "a"];
const SQUARE = 18;
const ABOVE = 4; // room for a label that is higher than its squares
const FAINT = 0.04; // negative squares that are paler than this share of full colour have no dash

// Blue below zero, white at zero, orange above; `top` is full colour.
function colourOf(value, top) {
  const share = Math.max(-1, Math.min(1, value / top));
  const full = share < 0 ? [0, 114, 178] : [213, 94, 0];
  return `rgb(${full.map((part) => Math.round(255 + (part - 255) * Math.abs(share))).join(",")})`;
}

// Normally distributed numbers, the same in every browser: what words look like before training.
function drawNormals(seed, count) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

const wordTable = WORDS.map((_, i) => drawNormals(7 + 13 * i, WIDTH));
const sinusoid = (place) => Array.from({ length: WIDTH }, (_, i) => (i % 2 ? Math.cos : Math.sin)(place / 10000 ** ((2 * Math.floor(i / 2)) / WIDTH)));
const add = (a, b, factor = 1) => a.map((value, i) => value + factor * b[i]);
const distance = (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);

// Vectors as rows of squares, one below the other, each with its name.
function squares(rows, { top = 2.5, size = SQUARE, name = "", chosen = -1 } = {}) {
  const [left, width] = [rows.some((row) => row.label) ? 74 : 2, WIDTH * size];
  const svg = createSvg("svg", { class: "squares", viewBox: `0 ${-ABOVE} ${left + width + 2} ${rows.length * (size + 3) + 1 + ABOVE}`, style: `max-width:${left + width + 2}px`, role: "img", "aria-label": name });
  rows.forEach((row, r) => {
    const y = r * (size + 3) + 1;
    if (row.label) svg.append(createSvg("text", { x: left - 6, y: y + size * 0.72, "text-anchor": "end" }, row.label));
    row.values.forEach((value, i) => svg.append(createSvg("rect", { x: left + i * size, y, width: size - 1, height: size - 1, fill: colourOf(value, row.top || top) })));
    const minus = row.values.flatMap((value, i) => (value < -FAINT * (row.top || top) ? [`M${left + (i + 0.28) * size},${y + (size - 1) / 2}h${0.4 * size}`] : []));
    svg.append(createSvg("path", { class: "minus", d: minus.join("") || "M0,0" }));
    if (r === chosen) svg.append(createSvg("rect", { class: "chosen", x: left - 1, y: y - 1, width: width + 1, height: size + 1 }));
  });
  return svg;
}

const strip = (name, values, top = 2.5) => ({ label: name, values, top });
const describeStrip = (name, values) => say("strip_alt", { name, low: formatNumber(Math.min(...values), 2), high: formatNumber(Math.max(...values), 2) });
const colon = () => (root.dataset.language === "ja" ? "：" : ": ");
const sentence = (key) => say(key).split(" ");
const wordNumbers = { sentence_a: [0, 1, 2, 0, 3], sentence_b: [0, 3, 2, 0, 1] };
// In Japanese the particles stand where the articles do, and the verb at the end; the vectors follow the words.
const numbersOf = (key) => (root.dataset.language === "ja" ? { sentence_a: [3, 0, 1, 4, 2], sentence_b: [1, 0, 3, 4, 2] }[key] : wordNumbers[key]);

// The pair of a word and a place whose sum is nearest, as a reader with both lists finds it. `unsure`: several places fit equally.
function readBoth(sum, places, factor) {
  let best = { far: Infinity };
  const all = wordTable.flatMap((word, w) => Array.from({ length: places }, (_, p) => ({ w, p, far: distance(sum, add(word, sinusoid(p + 1), factor)) })));
  for (const one of all) if (one.far < best.far - 1e-12) best = one;
  return { ...best, unsure: all.filter((one) => one.w === best.w && one.far < best.far + 1e-9).length > 1 };
}

const readWord = (sum) => wordTable.reduce((best, word, w) => (distance(sum, word) < distance(sum, wordTable[best]) ? w : best), 0);

function addToggle(key, value, change) {
  const input = element("input", { type: "checkbox", id: `control${++controls}`, onchange: () => change(input.checked) });
  input.checked = value;
  const label = element("label", { for: input.id });
  drawAndKeep(() => label.replaceChildren(say(key)));
  return element("span", { class: "control" }, input, " ", label);
}

// Shares of a whole, side by side in one bar, each with its name where there is room; the others are named below.
function stack(parts) {
  const small = parts.filter((part) => part.share >= 0.005 && part.share <= NAMED);
  const names = small.map((part) => say("share_of", { name: part.name, share: Math.round(100 * part.share) }));
  return element("div", {}, stackBar(parts), element("p", { class: "quiet small" }, names.join(" · ")));
}

const NAMED = 0.3; // a larger part of a bar has room for its name

function stackBar(parts) {
  return element("div", { class: "stack" }, ...parts.filter((part) => part.share >= 0.005).map((part) => element("span", { class: `part ${part.key}`, style: `flex-grow:${part.share}`, title: say("share_of", { name: part.name, share: Math.round(100 * part.share) }) }, part.share > NAMED ? say("share_of", { name: part.name, share: Math.round(100 * part.share) }) : part.share > 0.07 ? percent(part.share) : "")));
}

const percent = (share) => `${Math.round(100 * share)}%`;

function bars(rows) { // [{name, share, mark}]
  return rows.map((row) => element("div", { class: "bar" }, element("span", {}, row.name), level(row.share, row.mark ?? null), element("span", {}, row.text ?? percent(row.share))));
}

function addNote(holder, key, values) {
  const line = element("p", { class: "quiet" });
  drawAndKeep(() => line.replaceChildren(say(key, values)));
  holder.append(line);
}

// ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const PLAY = {
  live,

  ghost(holder) {
    let weight = 50;
    const picture = element("div");
    const draw = () => picture.replaceChildren(drawGhost(weight / 100));
    holder.append(picture, element("div", { class: "controls" }, slider("panda_weight", 0, 100, weight, (value) => { weight = value; draw(); }, (value) => `${value}%`)));
    drawAndKeep(draw);
  },

  split(holder) {
    const factors = [0, 0.1, 0.3, 1, 3, 10];
    let at = 3;
    const [picture, reads] = [element("div"), element("p", { class: "reads", "aria-live": "polite" })];
    const draw = () => {
      const [word, place, factor] = [wordTable[3], 4, factors[at]];
      const name = sentence("sentence_a")[numbersOf("sentence_a").indexOf(3)];
      const added = sinusoid(place).map((value) => value * factor);
      const sum = add(word, added);
      const both = readBoth(sum, 8, factor);
      picture.replaceChildren(squares([strip(name, word), strip(`+ ${say("place_at", { place })}`, added), strip(`= ${say("sum")}`, sum)], { name: describeStrip(say("sum"), sum) }));
      const named = (w) => (numbersOf("sentence_a").includes(w) ? sentence("sentence_a")[numbersOf("sentence_a").indexOf(w)] : WORDS[w]);
      const alone = readWord(sum);
      reads.replaceChildren(
        element("span", {}, `${say("read_both")}${colon()}`, element("strong", {}, both.unsure ? say("reads_any", { word: named(both.w) }) : say("reads", { word: named(both.w), place: both.p + 1 })), both.w === 3 && both.p + 1 === place && !both.unsure ? " ✓" : " ✗"),
        element("br"),
        element("span", {}, `${say("read_words")}${colon()}`, element("strong", {}, named(alone)), alone === 3 ? " ✓" : " ✗"),
      );
    };
    holder.append(picture, element("div", { class: "controls" }, slider("amount", 0, factors.length - 1, at, (value) => { at = value; draw(); }, (i) => `× ${factors[i]}`)), reads);
    drawAndKeep(draw);
  },

  adding(holder) {
    let place = 3;
    const [sums, table] = [element("div"), element("div")];
    const rows = Array.from({ length: 24 }, (_, p) => ({ values: sinusoid(p + 1), label: p % 4 === 3 || !p ? String(p + 1) : " " }));
    const draw = () => {
      const name = sentence("sentence_a")[numbersOf("sentence_a").indexOf(3)];
      const sum = add(wordTable[3], sinusoid(place));
      sums.replaceChildren(squares([strip(name, wordTable[3]), strip(`+ ${say("place_at", { place })}`, sinusoid(place)), strip(`= ${say("sum")}`, sum)], { name: describeStrip(say("sum"), sum) }));
      table.replaceChildren(squares(rows, { size: 10, chosen: place - 1, name: describeStrip(say("place_at", { place }), sinusoid(place)) }));
    };
    holder.append(element("div", { class: "controls" }, slider("place", 1, 24, place, (value) => { place = value; draw(); })), element("div", { class: "row" }, sums, table));
    drawAndKeep(draw);
  },

  order(holder) {
    let withPlaces = false;
    const [bags, verdict] = [element("div", { class: "row" }), element("p", { class: "reads", "aria-live": "polite" })];
    const vectorsOf = (key) => numbersOf(key).map((w, i) => ({ label: sentence(key)[i], values: withPlaces ? add(wordTable[w], sinusoid(i + 1)) : wordTable[w] })).sort((a, b) => a.label.localeCompare(b.label) || a.values[0] - b.values[0]);
    const draw = () => {
      const [a, b] = [vectorsOf("sentence_a"), vectorsOf("sentence_b")];
      const alone = a.filter((one) => b.every((other) => distance(one.values, other.values) > 1e-9)).length;
      const text = alone ? say("bag_differs", { count: alone, all: a.length }) : say("bag_same");
      bags.replaceChildren(...[["sentence_a", a], ["sentence_b", b]].map(([key, rows]) => element("div", {}, element("p", {}, element("strong", {}, root.dataset.language === "ja" ? sentence(key).join("") : say(key))), squares(rows, { name: `${say(key)}. ${text}` }))));
      verdict.replaceChildren(text);
    };
    holder.append(element("div", { class: "controls" }, addToggle("with_places", withPlaces, (value) => { withPlaces = value; draw(); })), bags, verdict);
    drawAndKeep(draw);
  },

  pile(holder) {
    let [noise, turn] = [0, 1];
    const levels = [0, 0.3, 0.6, 1, 1.5, 2];
    const [pile, words] = [element("div"), element("p", { class: "words", "aria-live": "polite" })];
    const draw = () => {
      const numbers = numbersOf("sentence_a"), names = sentence("sentence_a");
      const sums = numbers.map((w, i) => ({ w, i, values: add(add(wordTable[w], sinusoid(i + 1)), drawNormals(101 * turn + i, WIDTH), levels[noise]) }));
      const keys = drawNormals(999 + turn, sums.length);
      const shuffled = sums.map((one, i) => [keys[i], one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);
      const read = shuffled.map((one) => ({ ...readBoth(one.values, names.length, 1), one })).sort((a, b) => a.p - b.p);
      const right = read.filter((found) => found.w === found.one.w && found.p === found.one.i).length;
      const nameOf = (w) => (numbers.includes(w) ? names[numbers.indexOf(w)] : WORDS[w]);
      pile.replaceChildren(squares(shuffled.map((one) => ({ label: "?", values: one.values })), { name: say("pile") }));
      words.replaceChildren(`${say("rebuilt")}${colon()}`, ...read.map((found) => element("span", { class: found.w === found.one.w && found.p === found.one.i ? "" : "wrong" }, found.w === found.one.w && found.p === found.one.i ? nameOf(found.w) : say("wrong", { word: nameOf(found.w) }))), ` · ${say("right_of", { right, all: read.length })}`);
    };
    const button = element("button", { type: "button", onclick: () => { turn += 1; draw(); } });
    drawAndKeep(() => button.replaceChildren(say("shuffle")));
    holder.append(element("div", { class: "controls" }, slider("noise", 0, levels.length - 1, noise, (value) => { noise = value; draw(); }, (i) => String(levels[i])), button), pile, words);
    drawAndKeep(draw);
  },

  layers(holder, { places, length, seeds }) {
    const names = ["input", "answers"].filter((name) => name in places);
    let name = names[0];
    const picture = element("div");
    const draw = () => {
      const { layers, parts } = places[name];
      picture.replaceChildren(...layers.map((layer, i) => {
        const shares = Object.entries(parts).map(([key, values]) => ({ key, name: say(`part_${key}`), share: values[i] || 0 }));
        const rest = 1 - shares.reduce((sum, part) => sum + part.share, 0);
        return element("div", { class: "layer" }, element("span", {}, layer ? say("layer", { layer }) : say("layer_0")), stack([...shares, { key: "rest", name: say("part_rest"), share: Math.max(0, rest) }]));
      }), element("p", { class: "legend quiet" }, ...Object.keys(parts).map((key) => element("span", {}, element("i", { class: `part ${key}` }), ` ${say(`part_${key}`)}`))));
    };
    holder.append(element("div", { class: "controls" }, choice("places", names, name, (value) => { name = value; draw(); }, say)), picture);
    drawAndKeep(draw);
    addNote(holder, "length_note", { length, n: seeds });
  },

  ratio(holder, { tasks, length, seeds, steps }) {
    const [pictures, key] = [element("div", { class: "row" }), element("div")];
    const looks = { count: { colour: "#D55E00", marker: "s", dash: "" }, index: { colour: "#0072B2", marker: "o", dash: "7 3" } };
    holder.append(pictures, key);
    addNote(holder, steps ? "steps_note" : "length_note", { length, n: seeds, steps: steps?.toLocaleString("en") });
    drawAndKeep(() => {
      const names = Object.keys(tasks).filter((task) => task in looks);
      const factors = tasks[names[0]].within.map(([factor]) => factor);
      pictures.replaceChildren();
      let series;
      const places = ["within", "beyond"].map((where) => [where, element("div")]);
      pictures.append(...places.map(([where, place]) => element("div", {}, element("p", {}, element("strong", {}, say(where === "within" ? "at_n" : "at_2n"))), place)));
      for (const [where, place] of places) { // drawn when both have their width
        series = names.map((task) => ({ name: say(`task_${task}`), points: tasks[task][where].map(([, value], i) => [i, value]), ...looks[task] }));
        chart(place, { series, x: say("ratio_axis"), y: say("accuracy"), xTicks: factors.map((_, i) => i), xName: (i) => String(factors[i]), alt: say("chart_alt", { metric: say("accuracy"), x: say("ratio_axis"), count: series.length }) });
      }
      key.replaceChildren(element("p", { class: "legend" }, ...series.map((one) => element("span", {}, ...sample(one, ` ${one.name} `)))));
    });
  },

  sums(holder, { rows, seeds }) {
    const picture = element("div");
    drawAndKeep(() => picture.replaceChildren(...rows.map(([name, never, trained, odds]) => element("div", { class: "group" }, element("p", {}, say(`sum_${name.replaceAll(" ", "_")}`), element("span", { class: "quiet" }, say("chance", { odds: odds.toLocaleString("en") }))), ...bars([{ name: say("never_sums"), share: never }, { name: say("on_sums"), share: trained }])))));
    holder.append(picture);
    addNote(holder, "seeds_note", { n: seeds });
  },

  help(holder, { rows, length, seeds }) {
    const picture = element("div");
    drawAndKeep(() => picture.replaceChildren(...rows.map((row) => element("div", { class: "group" }, element("p", {}, say(`ask_${row.task}`)), ...bars([{ name: say("with_sinusoids"), share: row.with, mark: row.blind }, { name: say("without"), share: row.without, mark: row.blind }])))));
    holder.append(picture);
    addNote(holder, "length_note", { length, n: seeds });
  },

  lengths(holder, result) {
    let at = result.lengths.indexOf(result.train_length);
    const [picture, readout, key] = [element("div"), element("output", { class: "readout" }), element("div")];
    const draw = () => {
      const lines = baselinesOf(result.lengths, result.length_baseline, result.order_blind_baseline);
      const series = Object.entries(result.accuracy).map(([name, values]) => ({ name, points: values.map((value, i) => [result.lengths[i], value]), ...look(name) }));
      chart(picture, { series, lines, x: say("length"), y: say("accuracy"), logarithmic: true, xTicks: [1, 2, 4, 8, 16, 32, 64, result.lengths.at(-1)].filter((one, i, all) => one <= all.at(-1) && (one === all.at(-1) || 1.4 * one < all.at(-1))), train: result.train_length, here: result.lengths[at], alt: say("chart_alt", { metric: say("accuracy"), x: say("length"), count: series.length }) });
      key.replaceChildren(element("p", { class: "legend" }, ...series.map((one) => element("span", {}, ...sample(one, ` ${readableName(one.name)} `)))), baselineLegend(lines));
      const length = result.lengths[at];
      readout.textContent = [`${say("at_length", { length })} · ${say(length > result.train_length ? "beyond" : "within")}`, ...series.map((one) => `${readableName(one.name)} ${percent(one.points[at][1])}`)].join(" · ");
    };
    holder.append(element("div", { class: "controls" }, slider("length", 0, result.lengths.length - 1, at, (value) => { at = value; draw(); }, (i) => String(result.lengths[i]))), picture, readout, key);
    drawAndKeep(draw);
    addNote(holder, "length_note", { length: result.train_length, n: result.seeds });
  },

  models(holder, { rows }) {
    const top = Math.max(...rows.flatMap((row) => row.costs));
    const picture = element("div");
    drawAndKeep(() => picture.replaceChildren(...rows.map((row) => element("div", { class: "group" }, element("p", {}, say(row.task)), ...bars(row.costs.map((cost, i) => ({ name: say(["shift", "shuffled"][i]), share: Math.max(0, cost) / top, text: say("bits", { bits: formatNumber(cost, 2) }) })))))));
    holder.append(picture);
    addNote(holder, "seeds_note", { n: rows[0].seeds });
  },

  readers(holder, result) {
    const names = [...new Set(Object.values(result).flatMap((one) => Object.keys(one)))];
    let name = names.includes("sinusoids") ? "sinusoids" : names[0];
    const [picture, key] = [element("div"), element("div")];
    const draw = () => {
      const series = Object.entries(result).filter(([, own]) => name in own).map(([reader, own], i) => ({ name: say(reader.replace(" ", "_")), points: own[name], colour: ["#0072B2", "#D55E00", "#009E73"][i], marker: ["s", "^", "o"][i], dash: DASHES[i] }));
      chart(picture, { series, x: say("width"), y: say("read"), logarithmic: true, xTicks: series[0].points.map((point) => point[0]), alt: say("chart_alt", { metric: say("read"), x: say("width"), count: series.length }) });
      key.replaceChildren(element("p", { class: "legend" }, ...series.map((one) => element("span", {}, ...sample(one, ` ${one.name} `)))));
    };
    holder.append(element("div", { class: "controls" }, choice("encoding", names, name, (value) => { name = value; draw(); }, readableName)), picture, key);
    drawAndKeep(draw);
  },

  shift(holder) {
    const pairs = [0, 1, 2, 3];
    let [position, offset] = [3, 2];
    const clocks = element("div", { class: "row clocks" });
    const draw = () => clocks.replaceChildren(...pairs.map((pair) => {
      const speed = 10000 ** ((-2 * pair) / WIDTH);
      const point = (angle, r) => [60 + r * Math.cos(angle), 60 - r * Math.sin(angle)];
      const [from, to, arc] = [position * speed, (position + offset) * speed, offset * speed];
      const degrees = (angle) => String(Math.round((angle * 1800) / Math.PI) / 10);
      const svg = createSvg("svg", { class: "chart", viewBox: "0 0 120 120", role: "img", "aria-label": say("clock_alt", { pair: pair + 1, position, offset, from: degrees(from % (2 * Math.PI)), to: degrees(to % (2 * Math.PI)), arc: degrees(arc) }) });
      const turned = arc % (2 * Math.PI), turns = Math.floor(arc / (2 * Math.PI));
      const [a, b] = [point(from, 34), point(from + turned, 34)];
      svg.append(createSvg("circle", { cx: 60, cy: 60, r: 50, fill: "none", class: "axis" }));
      svg.append(createSvg("path", { d: `M60,60L${a}A34,34 0 ${turned > Math.PI ? 1 : 0} 0 ${b}Z`, fill: "var(--warm)", opacity: 0.35 }));
      for (const [angle, colour, dash] of [[from, "var(--accent)", ""], [to, "var(--warm)", "5 3"]]) {
        const [px, py] = point(angle, 50);
        svg.append(createSvg("line", { x1: 60, y1: 60, x2: px, y2: py, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash }));
      }
      return element("div", {}, svg, element("p", { class: "quiet" }, say("clock", { pair: pair + 1, arc: turns ? say(turns > 1 ? "turns" : "turn", { turns, arc: degrees(turned) }) : `${degrees(arc)}°` })));
    }));
    holder.append(element("div", { class: "controls" }, slider("position", 0, 40, position, (value) => { position = value; draw(); }), slider("offset", 0, 16, offset, (value) => { offset = value; draw(); })), clocks);
    drawAndKeep(draw);
  },
};

// A panda and a banana, drawn over each other.
function drawGhost(banana) {
  const svg = createSvg("svg", { class: "ghost", viewBox: "0 0 200 150", role: "img", "aria-label": say("ghost_alt", { panda: Math.round(100 * (1 - banana)), banana: Math.round(100 * banana) }) });
  const circle = (cx, cy, r, fill, ry = r) => createSvg("ellipse", { cx, cy, rx: r, ry, fill });
  svg.append(
    createSvg("rect", { width: 200, height: 150, fill: "#cfe3d4" }),
    createSvg("g", { opacity: 1 - banana }, circle(58, 34, 20, "#222"), circle(142, 34, 20, "#222"), circle(100, 82, 62, "#fafafa", 56), createSvg("g", { transform: "rotate(-22 74 76)" }, circle(74, 76, 14, "#222", 19)), createSvg("g", { transform: "rotate(22 126 76)" }, circle(126, 76, 14, "#222", 19)), circle(76, 74, 5, "#fff"), circle(124, 74, 5, "#fff"), circle(100, 102, 9, "#222", 6), createSvg("path", { d: "M86,116q14,12 28,0", fill: "none", stroke: "#222", "stroke-width": 3 })),
    createSvg("g", { opacity: banana }, createSvg("path", { d: "M40,28c-2,62 40,104 116,92c8,-2 8,-9 0,-11c-54,-6 -88,-34 -98,-82c-2,-9 -18,-9 -18,1z", fill: "#f4c430", stroke: "#8a6d00", "stroke-width": 3 }), createSvg("path", { d: "M40,28c0,-8 3,-14 8,-15l8,2c2,5 2,8 2,12c-2,-9 -18,-9 -18,1z", fill: "#5b4a12" })),
  );
  return svg;
}

// The effect and interval of a claim on a scale of its own, zero in the middle.
function drawForest(holder, claim) {
  const edges = [claim.effect, claim.low ?? claim.effect, claim.high ?? claim.effect];
  const largest = Math.max(...edges.map(Math.abs));
  const top = largest > 1e-9 ? largest * 1.15 : 1; // smaller effects are rounding errors
  const x = (value) => 60 + (value / top) * 56;
  const svg = createSvg("svg", { class: `forest ${claim.verdict.replace(" ", "_")}`, viewBox: "0 0 120 16", role: "img", "aria-label": claim.low === null ? say("forest_alt_alone", { id: claim.id, effect: formatNumber(claim.effect) }) : say("forest_alt", { id: claim.id, effect: formatNumber(claim.effect), low: formatNumber(claim.low), high: formatNumber(claim.high) }) });
  svg.append(createSvg("line", { class: "axis", x1: 60, x2: 60, y1: 1, y2: 15 }), createSvg("line", { x1: x(edges[1]), x2: x(edges[2]), y1: 8, y2: 8, stroke: "currentColor", "stroke-width": 2.5 }), createSvg("circle", { cx: x(claim.effect), cy: 8, r: 4.5, fill: "currentColor" }));
  holder.replaceChildren(svg);
}

for (const holder of document.querySelectorAll("[data-play]")) PLAY[holder.dataset.play](holder, data.guide[holder.dataset.play]);
for (const holder of document.querySelectorAll("[data-forest]")) {
  const claim = data.claims.find((one) => `${one.experiment}/${one.id}` === holder.dataset.forest);
  if (claim && claim.effect !== null) drawAndKeep(() => drawForest(holder, claim));
}
window.addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });
