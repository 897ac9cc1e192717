// A trained model that runs in the page: the forward pass of jaxpe.model, and a place to type what it reads.
const { openModel, runModel, live } = (() => {
  // ── the model ──────────────────────────────────────────────────────────────────────────────────────────────────────

  function readHalves(packed) { // base64 of float16, little-endian
    const bytes = new DataView(Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0)).buffer);
    return Float64Array.from({ length: bytes.byteLength / 2 }, (_, i) => {
      const bits = bytes.getUint16(2 * i, true);
      const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
    });
  }

  // One of the models of `read_models` (jaxpe/report/live.py), with its parameters as numbers.
  function openModel(models, encoding) {
    const parameters = Object.fromEntries(Object.entries(models.models[encoding]).map(([name, packed]) => [name, readHalves(packed)]));
    return { encoding, width: models.width, layers: models.layers, heads: models.heads, parameters };
  }

  function multiply(rows, matrix, width) { // rows times a matrix in row-major order with `width` columns
    return rows.map((row) => {
      const product = new Float64Array(width);
      row.forEach((factor, i) => { for (let j = 0; j < width; j++) product[j] += factor * matrix[i * width + j]; });
      return product;
    });
  }

  function normalize(rows, gain) { // RMSNorm
    return rows.map((row) => {
      const scale = 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / row.length + 1e-6);
      return row.map((value, i) => value * scale * gain[i]);
    });
  }

  function add(rows, others) {
    return rows.map((row, t) => row.map((value, i) => value + others[t][i]));
  }

  function gelu(value) {
    return 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));
  }

  function softmax(values) {
    const largest = values.reduce((a, b) => Math.max(a, b));
    const powers = values.map((value) => Math.exp(value - largest));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((value) => value / sum);
  }

  function angleAt(position, pair, width) { // of pair 2c, 2c + 1, rounded to float32 as in jaxpe
    return Math.fround(position * Math.fround(10000 ** (-2 * pair / width)));
  }

  // The three places where position enters: added to the tokens, by rotating queries and keys, added to the logits of attention.
  function addPositions(rows, { encoding, parameters }) {
    const added = {
      sinusoidal: (t, i) => Math.SQRT2 * (i % 2 ? Math.cos : Math.sin)(angleAt(t, Math.floor(i / 2), rows[t].length)),
      learned: (t, i) => parameters["stack.encodings.0.table"][t * rows[t].length + i],
    }[encoding];
    return added ? rows.map((row, t) => row.map((value, i) => value + added(t, i))) : rows;
  }

  function rotate(rows, width, { encoding }) { // width: of a head
    if (encoding !== "rotary") return rows;
    return rows.map((row, t) => row.map((value, i) => {
      const angle = angleAt(t, Math.floor((i % width) / 2), width);
      return i % 2 ? row[i - 1] * Math.sin(angle) + value * Math.cos(angle) : value * Math.cos(angle) - row[i + 1] * Math.sin(angle);
    }));
  }

  function slopeOf(head, heads) { // of ALiBi
    const power = 2 ** Math.floor(Math.log2(heads));
    return head < power ? 2 ** (-8 * (head + 1) / power) : 2 ** (-4 * (2 * (head - power) + 1) / power);
  }

  function attend(rows, layer, model) {
    const { width, heads, encoding, parameters } = model;
    const [size, name] = [width / heads, `stack.blocks.${layer}.attention`];
    const project = (part) => multiply(rows, parameters[`${name}.${part}`], width);
    const [queries, keys, values] = [rotate(project("query"), size, model), rotate(project("key"), size, model), project("value")];
    const mixed = rows.map(() => new Float64Array(width));
    const attention = Array.from({ length: heads }, (_, head) => queries.map((query, t) => {
      const logits = keys.map((key, s) => {
        let product = 0;
        for (let i = head * size; i < (head + 1) * size; i++) product += query[i] * key[i];
        return product / Math.sqrt(size) - (encoding === "alibi" ? slopeOf(head, heads) * Math.abs(t - s) : 0);
      });
      const weights = softmax(logits);
      for (let i = head * size; i < (head + 1) * size; i++) weights.forEach((weight, s) => { mixed[t][i] += weight * values[s][i]; });
      return weights;
    }));
    return [multiply(mixed, parameters[`${name}.out`], width), attention];
  }

  // Logits by token, and weights of attention by layer, head, query and key, for an encoder that reads these token ids.
  function runModel(model, tokens) {
    const { width, layers, parameters } = model;
    const rowOf = (token) => parameters["stack.embedding"].slice(token * width, (token + 1) * width);
    let rows = addPositions(tokens.map(rowOf), model);
    const attention = [];
    for (let layer = 0; layer < layers; layer++) {
      const block = `stack.blocks.${layer}`;
      const [mixed, weights] = attend(normalize(rows, parameters[`${block}.norms.0.gain`]), layer, model);
      attention.push(weights);
      rows = add(rows, mixed);
      const inner = multiply(normalize(rows, parameters[`${block}.norms.1.gain`]), parameters[`${block}.mlp_in`], 4 * width);
      rows = add(rows, multiply(inner.map((row) => row.map(gelu)), parameters[`${block}.mlp_out`], width));
    }
    const unembedding = parameters.unembedding;
    return { logits: multiply(normalize(rows, parameters["stack.norm.gain"]), unembedding, unembedding.length / width), attention };
  }

  // What the model answers to symbols that it has to reverse: for each place the likeliest symbol, its probability, and the right one.
  function answer(models, model, symbols) {
    const tokens = [...symbols.map((symbol) => models.first_symbol + symbol), ...symbols.map(() => models.blank)];
    const { logits, attention } = runModel(model, tokens);
    const places = symbols.map((_, place) => {
      const chances = softmax(Array.from(logits[symbols.length + place]));
      const token = chances.indexOf(Math.max(...chances));
      return { symbol: token - models.first_symbol, chance: chances[token], right: symbols[symbols.length - 1 - place] };
    });
    return { places, attention };
  }

  // ── the place to try it ────────────────────────────────────────────────────────────────────────────────────────────

  const PI = "3141592653589793238462643383279502884197"; // forty digits to begin with

  // What is typed, as symbols, and what is wrong with it. Spaces count for nothing; full-width digits are digits.
  function readSymbols(text, models) {
    const signs = [...text.normalize("NFKC").replace(/\s/g, "")];
    const isKnown = (sign) => /^[0-9]$/.test(sign) && +sign < models.symbols;
    const known = signs.filter(isKnown).map(Number);
    return { symbols: known.slice(0, models.limit), unknown: signs.find((sign) => !isKnown(sign)), isLong: known.length > models.limit };
  }

  function formatChance(chance) { // nothing is certain
    const percent = Math.round(100 * chance);
    return percent === 100 ? ">99%" : percent === 0 ? "<1%" : `${percent}%`;
  }

  function setText(node, text) { // what stays as it is is not read out again
    if (node.textContent !== text) node.textContent = text;
  }

  // A square for each token: what it says, and how much the chosen answer looks at it.
  function drawTokens(symbols, weights, place) {
    const count = symbols.length;
    const square = (text, t, kind) => element("li", { class: `token ${kind}`, style: `--weight:${weights[t].toFixed(3)}` }, element("span", {}, text));
    return element("div", { class: "tokens" },
      element("p", { class: "quiet" }, say("live_input")),
      element("ol", {}, ...symbols.map((symbol, t) => square(String(symbol), t, ""))),
      element("p", { class: "quiet" }, say("live_blanks")),
      element("ol", {}, ...symbols.map((_, t) => square("?", count + t, t === place ? "blank chosen" : "blank"))));
  }

  // The weights of one head as a picture: a row for each token that looks, a column for each that is looked at.
  function drawHead(weights, count, place) {
    const size = weights.length;
    const canvas = element("canvas", { width: size, height: size });
    const pixels = new ImageData(size, size);
    const colour = matchMedia("(prefers-color-scheme: dark)").matches ? [108, 184, 239] : [0, 114, 178];
    weights.forEach((row, t) => row.forEach((weight, s) => pixels.data.set([...colour, Math.round(255 * weight)], 4 * (t * size + s))));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    const percent = (value) => `${(100 * value) / size}%`;
    return element("span", { class: "map" }, canvas,
      element("i", { class: "across", style: `top:${percent(count)}` }), element("i", { class: "down", style: `left:${percent(count)}` }),
      element("i", { class: "here", style: `top:${percent(count + place)};height:${percent(1)}` }));
  }

  // Buttons of which one is pressed; the arrow keys move along them, and Tab leaves them.
  function pickOne(attributes, buttons, chosen, choose) {
    const nodes = buttons.map(({ children, ...more }, i) => element("button", { type: "button", "aria-pressed": String(i === chosen), tabindex: i === chosen ? 0 : -1, ...more, onclick: () => choose(i) }, ...children));
    const onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      choose(Math.max(0, Math.min(nodes.length - 1, chosen + step)));
    };
    return element("div", { role: "group", ...attributes, onkeydown }, ...nodes);
  }

  function replaceAndKeepFocus(holder, node) {
    const hadFocus = holder.contains(document.activeElement);
    holder.replaceChildren(node);
    if (hadFocus) holder.querySelector("[aria-pressed=true]")?.focus();
  }

  // `models`: what `read_models` (jaxpe/report/live.py) returns.
  function live(holder, models) {
    const names = Object.keys(models.models);
    const opened = {};
    const open = (name) => (opened[name] ||= openModel(models, name));
    const digits = [...PI].slice(0, models.limit);
    let [name, place, head] = [names.includes("sinusoidal") ? "sinusoidal" : names[0], 4, models.layers * models.heads - 1];
    const id = `control${++controls}`;
    const input = element("input", { type: "text", id, inputmode: "numeric", autocomplete: "off", spellcheck: "false", value: digits.slice(0, models.train_length).join(""), "aria-describedby": `${id}-note`, oninput: () => draw() });
    const label = element("label", { for: id });
    const button = (key, change) => {
      const node = element("button", { type: "button", onclick: () => { input.value = change(readSymbols(input.value, models).symbols).join(""); draw(); } });
      drawAndKeep(() => node.replaceChildren(say(key)));
      return node;
    };
    const [note, length, score] = ["note", "length", "score"].map((kind) => element("p", { class: kind, id: `${id}-${kind}`, role: "status" }));
    const [answers, sources, maps] = [element("div"), element("div", { class: "sources" }), element("div")];

    const draw = () => {
      label.replaceChildren(say("live_type", { last: models.symbols - 1 }));
      const { symbols, unknown, isLong } = readSymbols(input.value, models);
      const fault = unknown !== undefined ? say("live_unknown", { sign: unknown, last: models.symbols - 1 }) : isLong ? say("live_long", { limit: models.limit }) : "";
      setText(note, fault || (symbols.length ? "" : say("live_empty", { last: models.symbols - 1 })));
      const isBeyond = symbols.length > models.train_length;
      const reach = isBeyond ? "live_beyond" : symbols.length === models.train_length ? "live_longest" : "live_within";
      setText(length, symbols.length ? say(reach, { length: symbols.length, train: models.train_length }) : "");
      length.classList.toggle("beyond", isBeyond);
      place = Math.max(0, Math.min(place, symbols.length - 1));
      if (!symbols.length) {
        for (const part of [score, answers, sources, maps]) part.replaceChildren();
        return;
      }
      const { places, attention } = answer(models, open(name), symbols);
      const right = places.filter((one) => one.symbol === one.right).length;
      setText(score, say("live_score", { right, count: places.length }) + (right < places.length ? ` ${say("live_mark")}` : ""));
      const show = () => {
        const [layer, number] = [Math.floor(head / models.heads), head % models.heads];
        drawAnswers(answers, places, place, (i) => { place = i; show(); });
        drawSources(sources, { symbols, weights: attention[layer][number][symbols.length + place], place, layer, number });
        drawMaps(maps, { attention, count: symbols.length, place, head }, (i) => { head = i; show(); });
      };
      show();
    };

    holder.append(
      element("p", {}, label, " ", input),
      element("div", { class: "controls" }, button("live_more", (symbols) => [...symbols, digits[symbols.length % digits.length]]), button("live_fewer", (symbols) => symbols.slice(0, -1)), choice("encoding", names, name, (value) => { name = value; draw(); }, readableName)),
      note, length, score, answers, sources, maps,
    );
    holder.classList.add("live");
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    drawAndKeep(draw);
  }

  function drawAnswers(holder, places, chosen, choose) {
    const buttons = places.map(({ symbol, chance, right }, i) => {
      const isRight = symbol === right;
      const shown = symbol < 0 ? "–" : String(symbol); // a token that is no symbol
      const values = { place: i + 1, symbol: shown, chance: formatChance(chance), right };
      return {
        class: isRight ? "answer right" : "answer wrong",
        "aria-label": say(isRight ? "live_right" : "live_wrong", values),
        children: [element("b", {}, shown), element("span", { class: "mark" }, isRight ? "✓" : `✗ ${right}`), level(chance), element("small", {}, formatChance(chance))],
      };
    });
    replaceAndKeepFocus(holder, element("div", {}, element("p", { class: "quiet" }, say("live_answers")), pickOne({ class: "answers", "aria-label": say("live_answers") }, buttons, chosen, choose)));
  }

  function drawSources(holder, { symbols, weights, place, layer, number }) {
    const most = weights.indexOf(Math.max(...weights));
    const values = { place: place + 1, layer: layer + 1, head: number + 1, weight: formatChance(weights[most]), at: (most % symbols.length) + 1, symbol: symbols[most] };
    holder.replaceChildren(element("p", {}, say(most < symbols.length ? "live_looks" : "live_looks_blank", values)), drawTokens(symbols, weights, place));
  }

  function drawMaps(holder, { attention, count, place, head }, choose) {
    const buttons = attention.flatMap((heads, layer) => heads.map((weights, number) => ({
      "aria-label": say("live_head", { layer: layer + 1, head: number + 1 }),
      children: [element("span", {}, say("live_head", { layer: layer + 1, head: number + 1 })), drawHead(weights, count, place)],
    })));
    replaceAndKeepFocus(holder, element("div", {}, element("p", { class: "quiet" }, say("live_maps")), pickOne({ class: "maps", "aria-label": say("live_maps") }, buttons, head, choose)));
  }

  return { openModel, runModel, live };
})();
