// The figures of the article.

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

for (const holder of document.querySelectorAll("[data-play]")) PLAY[holder.dataset.play](holder, data.guide[holder.dataset.play]);
