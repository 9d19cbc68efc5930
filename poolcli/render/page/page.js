"use strict";
// The page: controls make a layer, Pool makes the maps, pointer and keys choose a window. See pool.js for the arithmetic.

const Page = (() => {
  const { brief, css, flat, ink, lettersFor, look, make, rgb, show, spot, words } = Maps;
  const MOST_NAMES = 12; // cells named in a formula
  const MOST_SOLVED = 60; // windows whose arithmetic is printed
  const LENS = 9; // most rows and columns of a window with numbers in the readout
  const [LARGEST_CELL, LEAST_OUTPUT, EASY_FONT] = [112, 34, 13]; // pixels
  const [TALL, LEAST_OF_LINE, LARGEST_OF_LINE] = [132, 24, 64]; // pixels: a line's height, and cells below it
  const AMPLE = 36; // pixels: easy to read and touch; larger cells do not make an arrangement better
  const EASY = 48; // pixels of the input's cells if the page scrolls anyway
  const [BESIDE, AROUND] = [34, 84]; // pixels beside a map's cells; above and below them
  const NARROW = 640; // pixels of width below which the page scrolls anyway and titles may have two lines
  const NARROWEST = 150; // pixels of a panel's width
  const LOW = 850; // pixels of height below which the controls are closed at first
  const SHARE = 0.75; // of the window's height for the maps if the page scrolls anyway
  const MARGINS = 20; // pixels between the maps, the readout and the end of the page

  const byId = (id) => document.getElementById(id);
  const state = { plane: 0, layer: structuredClone(DATA.layer), at: DATA.at, pinned: false, filled: null, timer: 0,
    answers: new Map(), opened: new Set(), sides: [] };

  // null is NaN in JSON
  const numbers = (values) => Float64Array.from(values, (value) => (value === null ? NaN : value));
  const planes = DATA.values.map(numbers);
  const input = (plane = state.plane) => ({ rows: DATA.rows, columns: DATA.columns, values: planes[plane] });

  // --- panels ----------------------------------------------------------------------------------------------

  const lastOf = (axis, i) => Pool.place(axis, i, Pool.taps(axis, i) - 1);
  const titled = (name, { rows, columns }) => `${name}, ${rows} rows, ${columns} columns`;

  // The input with the padding of all `plans`.
  function inputView(map, plans, scale, title = "Input") {
    const span = (axes) => {
      const first = Math.min(...axes.map((axis) => Math.min(-axis.before, axis.starts[0])));
      const last = Math.max(...axes.map((axis) => Math.max(axis.length + axis.after - 1, lastOf(axis, axis.starts.length - 1))));
      return [first, last - first + 1];
    };
    const both = [0, 1].map((k) => plans.map((axes) => axes[k]));
    const [[top, rows], [left, columns]] = both.map(span);
    const [down, across] = both.map((axes) => axes.reduce((most, axis) => (axis.after > most.after ? axis : most)));
    // the end of the padding that some window reaches
    const reached = (axis) => axis.starts.reduce((most, _, i) => Math.max(most, lastOf(axis, i) + 1), axis.length);
    const [bottom, right] = both.map((axes) => Math.max(...axes.map(reached)));
    const windows = flat ? plans[0][1].starts.map((start, i) => [start, lastOf(plans[0][1], i) + 1]) : [];
    const cell = (row, column) => {
      const inside = row >= 0 && row < map.rows && column >= 0 && column < map.columns;
      if (inside) return { kind: "real", value: map.values[row * map.columns + column], from: [row, column] };
      if (row >= map.rows + down.after || column >= map.columns + across.after) return { kind: "overhang" };
      const kind = row >= bottom || column >= right ? "unreached" : "padding";
      const held = [map, state.layer, row, column, kind];
      return state.layer ? { kind, value: Pool.valueAt(...held), from: Pool.sourceOf(...held) } : { kind };
    };
    const left_over = down.length + down.after - bottom > 0 || across.length + across.after - right > 0;
    byId("unreached").textContent = left_over ? "Crossed out: padding that no window reaches, because the next one would need more cells." : "";
    return { top, left, rows, columns, cell, scale, windows, length: map.columns, title: titled(title, map) };
  }

  function outputView(pooled, scale, name) {
    const cell = (row, column) => {
      const index = row * pooled.columns + column;
      if (DATA.exercise) return quizCell(index, pooled.values[index]);
      const there = state.filled === null || index <= state.filled;
      return there ? { kind: "real", value: pooled.values[index] } : { kind: "empty" };
    };
    return plainView(pooled, scale, name, cell);
  }

  // A map without padding; `cell` shows its values by default.
  function plainView(map, scale, name, cell = (row, column) => ({ kind: "real", value: map.values[row * map.columns + column] })) {
    const { rows, columns } = map;
    return { top: 0, left: 0, rows, columns, cell, scale, length: columns, title: titled(name, map) };
  }

  // Arrangements of the maps: what must fit side by side and above each other, as [cells, pixels around them]; `outputs`
  // says the same of the outputs for a given cell size of the input. `a` is the input, `b` one of n outputs; no panel is
  // narrower than its title.
  const ARRANGEMENTS = {
    row: (a, b, n, { gap, title }) => ({
      across: [[a.columns + n * b.columns, (n + 1) * BESIDE + n * gap], [a.columns, BESIDE + n * (title + gap)]],
      down: [[a.rows, AROUND], [b.rows, AROUND]],
      outputs: () => [b.rows, AROUND],
      tracks: [a, ...Array(n).fill(b)],
    }),
    beside: (a, b, n, { gap, title }) => ({
      across: [[a.columns + b.columns, 2 * BESIDE + gap], [a.columns, BESIDE + title + gap]],
      down: [[a.rows, AROUND], [n * b.rows, n * AROUND]],
      outputs: () => [n * b.rows, n * AROUND],
      tracks: [a, b],
    }),
    below: (a, b, n, { gap }) => ({
      across: [[a.columns, BESIDE], [n * b.columns, n * BESIDE + (n - 1) * gap]],
      down: [[a.rows + b.rows, 2 * AROUND]],
      outputs: (size) => [b.rows, 2 * AROUND + a.rows * size],
      tracks: Array(n).fill(b),
    }),
    column: (a, b, n) => ({
      across: [[a.columns, BESIDE], [b.columns, BESIDE]],
      down: [[a.rows + n * b.rows, (n + 1) * AROUND]],
      outputs: (size) => [n * b.rows, (n + 1) * AROUND + a.rows * size],
      tracks: [a],
    }),
  };

  // The room for the maps between the top of the page and the readout, so that everything is in view. If that is too
  // little, the page scrolls.
  function room() {
    const stage = byId("stage");
    const [wide, gap] = [stage.clientWidth, parseFloat(getComputedStyle(stage).columnGap)];
    const below = byId("readout").offsetHeight + byId("unreached").offsetHeight;
    const high = Math.max(window.innerHeight - stage.offsetTop - below - MARGINS, kind.least * window.innerHeight || 0);
    const [least, title] = wide < NARROW ? [640, 144] : [288, 292];
    // open controls leave little room: the input gets the height of the window, and the page scrolls
    const low = window.innerHeight < LOW && byId("settings").open;
    const tall = (cell) => (DATA.rows + 2) * cell + AROUND;
    const seen = Math.min(tall(EASY), window.innerHeight - stage.offsetTop - MARGINS);
    const easy = low ? Math.max(seen, Math.min(tall(AMPLE), SHARE * window.innerHeight)) : 0;
    return { wide, gap, title, high: Math.max(high, least, easy) };
  }

  const fitting = (pairs, length) => Math.min(...pairs.map(([cells, fixed]) => (length - fixed) / cells));
  const whole = (size) => (size >= 1 ? Math.floor(size) : Math.max(size, 0.1));

  // The first arrangement with ample cells, or else the one with the largest; and its room for the outputs.
  function arranged(a, b, n) {
    const space = room();
    state.room = JSON.stringify(space);
    const all = Object.entries(ARRANGEMENTS).map(([name, make]) => {
      const made = make(a, b, n, space);
      return { name, ...made, size: whole(Math.min(fitting(made.across, space.wide), fitting(made.down, space.high), LARGEST_CELL)) };
    });
    const largest = all.reduce((best, one) => (one.size > best.size ? one : best));
    const { name, size, tracks, outputs } = all.find((one) => one.size >= AMPLE) || largest;
    // the input is no wider than needed, so that the outputs are close to it
    const fixed = (view) => view === a && tracks.length > 1;
    const columns = tracks.map((view) => (fixed(view) ? `${Math.max(space.title, a.columns * size + BESIDE)}px` : `minmax(${space.title}px, 1fr)`)).join(" ");
    return { name, size, columns, high: fitting([outputs(size)], space.high) };
  }

  // The same for other numbers of panels: as many side by side as make the cells of the first largest.
  function tabled(views) {
    const space = room();
    state.room = JSON.stringify(space);
    const wide = (count) => (space.wide - (count - 1) * space.gap) / count;
    const counts = kind.counts(views.length).filter((count) => count === 1 || wide(count) >= NARROWEST);
    const all = counts.map((count) => {
      const lines = [];
      for (let first = 0; first < views.length; first += count) lines.push(views.slice(first, first + count));
      const fits = lines.map((line) => Math.min(...line.map((view) => (wide(count) - BESIDE) / view.columns)));
      const tall = lines.map((line) => Math.max(...line.map((view) => view.rows)));
      const high = (size) => tall.reduce((sum, rows, k) => sum + rows * Math.min(size, fits[k]) + AROUND, 0);
      const least = Math.min(...fits) >= AMPLE ? AMPLE : 1; // below which the page scrolls
      let size = LARGEST_CELL;
      while (size > least && high(size) > space.high) size -= 1;
      return { count, sizes: lines.flatMap((line, k) => line.map(() => whole(Math.min(size, fits[k])))) };
    });
    const { count, sizes } = all.reduce((best, one) => (one.sizes[0] >= best.sizes[0] ? one : best));
    return { name: "table", columns: `repeat(${count}, minmax(0, 1fr))`, size: (k) => sizes[k] };
  }

  // Lines as wide as the page: outputs below the input, side by side; on other pages all maps below each other. They
  // share the height with the cells below them.
  function lined(views) {
    const space = room();
    state.room = JSON.stringify(space);
    const [count, rows] = DATA.kind === "windows" ? [views.length - 1, 2] : [1, 0];
    const high = rows ? Math.min(space.high / rows - AROUND, TALL + LARGEST_OF_LINE) : TALL + LARGEST_OF_LINE / 2;
    const wide = (k) => (k && count > 1 ? (space.wide - space.gap) / count : space.wide) - BESIDE;
    const size = (k) => Math.min(wide(k) / views[k].columns, Math.max(0.4 * high, LEAST_OF_LINE), LARGEST_OF_LINE);
    views.forEach((view, k) => { view.tall = Math.max(high - (Maps.few(view, size(k)) ? size(k) : 0), LEAST_OF_LINE); });
    return { name: "below", columns: `repeat(${count}, minmax(0, 1fr))`, size };
  }

  // The input and one or two outputs; small outputs are enlarged for legibility if there is room.
  function framed(views) {
    const [view, out] = views;
    const { name, size, columns, high } = arranged(view, out, views.length - 1);
    const shown = views.slice(1).filter(({ rows, columns: across }) => rows * across <= Maps.MOST_ELEMENTS);
    const least = Math.max(LEAST_OUTPUT, ...shown.map(({ values }) => EASY_FONT / lettersFor(values, 4)));
    const enlarged = () => {
      const wide = (byId("output").clientWidth - BESIDE) / out.columns;
      return whole(Math.min(Math.max(size, least), Math.max(size, high), wide));
    };
    return { name, columns, size: (k) => (k ? enlarged() : size) };
  }

  function place(id, view, size, handlers) {
    panels[id].map = Maps.drawn(byId(id).querySelector(".map"), view, size, handlers, DATA.exercise && id === "output");
    bar(id, view.scale);
  }

  function bar(id, scale) {
    if (DATA.named || DATA.exercise) return; // the ends of the scale would give away the answers
    const canvas = make("canvas");
    canvas.width = 128;
    canvas.height = 1;
    const context = canvas.getContext("2d");
    for (let i = 0; i < 128; i += 1) {
      context.fillStyle = css(rgb({ low: 0, high: 1 }, i / 127));
      context.fillRect(i, 0, 1, 1);
    }
    canvas.setAttribute("role", "presentation");
    const ends = scale.low < scale.high ? [show(scale.low), canvas, show(scale.high)] : [`every finite value is ${show(scale.low)}`];
    byId(id).querySelector(".bar").replaceChildren(...ends);
  }

  // --- computing -----------------------------------------------------------------------------------------------------

  const nameOf = (layer) => Pool.MODES[layer.mode].label + (layer.parameter === null ? "" : ` ${Pool.number(layer.parameter)}`);
  const sizes = (numbers) => Pool.times(flat ? numbers.slice(1) : numbers);

  function compute() {
    byId("problem").textContent = "";
    try {
      state.sides = kind.sides();
    } catch (problem) {
      if (!(problem instanceof Pool.PoolError)) throw problem;
      return fail(problem.message);
    }
    state.pooled = kind.extent(state.sides);
    const long = DATA.exercise && tooLong(state.pooled);
    if (long) return fail(long);
    state.count = state.pooled.rows * state.pooled.columns;
    state.at = Math.min(state.at, state.count - 1);
    byId("stage").hidden = byId("readout").hidden = false;
    byId("at").max = state.count - 1;
    if (state.layer) describe();
    kind.told();
    if (DATA.exercise) begin();
    redraw();
    refit(); // the height of the readout is known only now
    return undefined;
  }

  // The problem of an exercise with too many cells.
  function tooLong({ axes, values }) {
    const padded = axes.reduce((cells, { before, length, after }) => cells * (before + length + after), 1);
    const found = [[values.length, DATA.exercise.asked], [padded, DATA.exercise.given]].find(([cells, most]) => cells > most);
    return found && `${found[0]} cells are too many to work out by hand: at most ${found[1]}`;
  }

  function redraw() {
    const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest(".panel");
    drawPanels();
    goTo(state.at);
    if (focused) panels[focused.id].map.focus(...panels[focused.id].last || [0, 0]);
  }

  // Redraw the maps if the room for them has changed.
  function refit() {
    if (state.pooled && JSON.stringify(room()) !== state.room) redraw();
  }

  function fail(message) {
    stop();
    state.pooled = null;
    byId("problem").textContent = message;
    byId("headline").textContent = "does not fit";
    byId("says").textContent = "Change the layer, or press Reset.";
    byId("stage").hidden = byId("readout").hidden = true;
  }

  function drawPanels() {
    const shown = kind.shown();
    for (const id of Object.keys(panels)) byId(id).hidden = !shown.some((one) => one.id === id);
    for (const apart of [false, true]) {
      const alike = shown.filter((one) => Boolean(one.apart) === apart);
      Maps.scales(alike.map((one) => one.values)).forEach((scale, k) => { alike[k].scale = scale; });
    }
    const views = shown.map((one) => ({ ...one.view(one.scale), values: one.values }));
    const { name, columns, size } = (flat ? lined : kind.arrange || tabled)(views);
    const stage = byId("stage");
    stage.dataset.arrangement = name;
    stage.style.gridTemplateColumns = columns;
    shown.forEach(({ id, title }, k) => {
      byId(id).style.order = k;
      place(id, views[k], size(k), handlersOf(id));
      byId(`${id}-title`).textContent = title;
    });
    thinned(views, size);
  }

  // Say so if several cells share a pixel of a line.
  function thinned(views, size) {
    const most = flat ? Math.round(1 / Math.min(...views.map((_, k) => size(k)))) : 1;
    const grain = most > 1
      ? `Up to ${most} cells fall on one pixel: there the line reaches from the least to the greatest of them.` : "";
    const narrow = flat && Maps.narrow(views[0], size(0)) ? "The windows are too narrow to draw all of them." : "";
    byId("thinned").textContent = `${grain} ${narrow}`.trim();
  }

  function describe() {
    const { layer, pooled } = state;
    const how = {
      sliding: () => `${sizes(layer.size)}, stride ${sizes(layer.stride)}${padText()}${fillText()}`,
      global: () => "over everything",
      adaptive: () => `to ${sizes(layer.output_size)}`,
      given: () => "at random places",
    }[layer.kind]();
    const dilated = layer.kind === "sliding" && layer.dilation.some((d) => d > 1) ? `, dilation ${sizes(layer.dilation)}` : "";
    const ceil = layer.kind === "sliding" && layer.ceil_mode ? ", ceil_mode" : "";
    byId("headline").textContent =
      `${nameOf(layer)} ${how}${dilated}${ceil}: ${sizes([DATA.rows, DATA.columns])} becomes ${sizes([pooled.rows, pooled.columns])}`;
    const label = nameOf(layer);
    const does = Pool.MODES[layer.mode].says.replace("{p}", () => Pool.number(layer.parameter));
    byId("says").textContent = `${label[0].toUpperCase()}${label.slice(1)} pooling ${does}.${leftOut()}`;
    byId("command").textContent = command();
  }

  // A remark on empty padding for exercises, which have no remarks on single windows.
  function leftOut() {
    const { layer, pooled } = state;
    if (!DATA.exercise || layer.pad_fill !== "ignore" || !pooled.axes.some(({ before, after }) => before || after)) return "";
    return layer.count_include_pad && Pool.MODES[layer.mode].divides ? " Padding counts as 0." : ` Padding is left out${why(layer)}.`;
  }

  function why(layer) {
    const { unseen } = Pool.MODES[layer.mode];
    return unseen ? `: it never wins, as if it were ${unseen}` : "";
  }

  function fillText() {
    const { padding, pad_fill: fill } = state.layer;
    if (padding === "valid" || fill === "ignore") return "";
    return typeof fill === "number" ? ` that holds ${Pool.number(fill)}` : ` by ${fill}`;
  }

  function padText() {
    const { padding } = state.layer;
    if (padding === "valid") return "";
    if (!Array.isArray(padding)) return `, padding ${padding}`;
    const even = padding.every(([before, after]) => before === after);
    return `, padding ${even ? sizes(padding.map((pair) => pair[0])) : padding.flat().slice(flat ? 2 : 0).join(",")}`;
  }

  function command() {
    const { layer } = state;
    if (layer.kind === "given") return "";
    const mode = layer.parameter === null ? layer.mode : `${layer.mode}:${layer.parameter === Infinity ? "inf" : layer.parameter}`;
    const said = [DATA.named ? `poolcli explain --shape ${sizes([DATA.rows, DATA.columns])} --mode` : `poolcli ${kind.command()} --mode`, mode];
    if (layer.kind === "global") said.push("--global");
    if (layer.kind === "adaptive") said.push("--output-size", sizes(layer.output_size));
    if (layer.kind === "sliding") {
      said.push("--size", sizes(layer.size), "--stride", sizes(layer.stride), ...padText().replace(", padding", "--padding").split(" ").filter(Boolean));
      if (layer.dilation.some((d) => d > 1)) said.push("--dilation", sizes(layer.dilation));
      if (layer.ceil_mode) said.push("--ceil-mode");
    }
    if (layer.padding !== "valid") {
      if (layer.pad_fill !== "ignore") said.push("--pad-fill", layer.pad_fill);
      if (layer.count_include_pad && Pool.MODES[layer.mode].divides) said.push("--count-include-pad");
    }
    if (layer.nan === "ignore") said.push("--nan ignore");
    return [...said, ...(DATA.named ? [] : [DATA.quoted])].join(" ");
  }

  // --- choosing a window ---------------------------------------------------------------------------------------------

  const outputAt = (index) => [Math.floor(index / state.pooled.columns), index % state.pooled.columns];

  function clearMarks() {
    for (const { map } of Object.values(panels)) if (map) map.clear();
  }

  const hasCell = ({ pooled }, i, j) => i < pooled.rows && j < pooled.columns;

  // All facts about one window of a side; only cells and value if the script cannot compute the layer.
  function factOf({ map, layer, pooled }, i, j) {
    const result = pooled.values[i * pooled.columns + j];
    if (layer) return { ...Pool.explain(map, layer, pooled.axes, i, j), ...(pooled.given ? { result } : {}) };
    const cells = Pool.cells(map, { pad_fill: "ignore" }, pooled.axes, i, j);
    return { cells, result, winners: [], padding: cells.filter((cell) => cell.kind === "padding").length };
  }

  // Highlight the window of an output cell and show its arithmetic; `lead` chooses the side if several have the cell.
  function goTo(index, lead = 0) {
    const [i, j] = outputAt(index);
    state.at = index;
    const there = state.sides.filter((side) => hasCell(side, i, j));
    const first = there.includes(state.sides[lead]) ? state.sides[lead] : there[0];
    clearMarks();
    const framed = new Set();
    for (const side of [first, ...there]) {
      if (framed.has(side.from)) continue;
      framed.add(side.from);
      const fact = factOf(side, i, j);
      const { map } = panels[side.from];
      map.mark(fact.cells.map((cell) => [cell.row, cell.column]), "in");
      if (known(index) && !DATA.named) map.mark(fact.winners.map((cell) => [cell.row, cell.column]), "win");
      map.frame(boxOf(side.pooled.axes, i, j));
    }
    for (const id of outputs()) {
      panels[id].map.mark([[i, j]], "at");
      panels[id].map.rove(i, j);
      panels[id].last = [i, j];
    }
    byId("at").value = index;
    byId("at").setAttribute("aria-valuetext", `output ${words(i, j)}`);
    byId("count").textContent = `${index + 1} of ${state.count}`;
    readWindow(first, there, i, j);
  }

  const outputs = () => Object.keys(panels).filter((id) => panels[id].map && !byId(id).hidden && !kind.inputs.includes(id));

  function boxOf(axes, i, j) {
    const [down, across] = axes;
    const length = (axis, k) => Pool.place(axis, k, Pool.taps(axis, k) - 1) - axis.starts[k] + 1;
    const loose = down.dilation > 1 || across.dilation > 1;
    return { top: down.starts[i], left: across.starts[j], rows: length(down, i), columns: length(across, j), loose };
  }

  function spanText(name, axis, i) {
    const count = Pool.taps(axis, i);
    const last = Pool.place(axis, i, count - 1);
    if (count === 1) return `${name} ${last}`;
    return `${name}s ${axis.starts[i]} to ${last}${axis.dilation > 1 ? ` in steps of ${axis.dilation}` : ""}`;
  }

  function readWindow(first, there, i, j) {
    const { axes } = first.pooled;
    const rows = flat ? "" : `${spanText("row", axes[0], i)}, `;
    byId("readout-title").textContent = "The window";
    byId("where").textContent =
      `Output ${words(i, j)} looks at input ${rows}${spanText(flat ? "cell" : "column", axes[1], j)}`;
    const fact = factOf(first, i, j);
    byId("sums").replaceChildren(...there.map((side) => sumLine(side, side === first ? fact : factOf(side, i, j))));
    byId("remarks").textContent = state.layer ? remarks(fact) : "";
    lens(fact, axes, i, j);
    if (known(state.at)) return;
    byId("sums").replaceChildren(); // that would be the answer
    byId("remarks").textContent = "";
  }

  // The formula with names of cells.
  function namedSum(layer, fact) {
    const cells = fact.cells.filter((cell) => cell.value !== undefined);
    const names = cells.slice(0, MOST_NAMES).map(({ from, value }) => (from ? `x[${spot(...from)}]` : Pool.number(value)));
    if (cells.length > MOST_NAMES) names.push("...");
    const { label, written } = Pool.MODES[layer.mode];
    const made = written.replace("{,}", names.join(", ")).replace("{+}", names.join(" + ")).replace("{n}", fact.n);
    return made && !/[{}]/.test(made) ? made : `${label} of ${names.join(", ")}`;
  }

  function sumLine(side, fact) {
    const line = make("p", "sum");
    if (DATA.named) line.textContent = namedSum(side.layer, fact);
    else if (!fact.formula) line.append(`${side.called}: `, make("b", "", Pool.number(fact.result)));
    else {
      const called = side.called || (/^(max|min)\(/.test(fact.formula) ? "" : Pool.MODES[side.layer.mode].label);
      line.append(`${called ? `${called}: ` : ""}${fact.formula} = `, make("b", "", Pool.number(fact.result)));
    }
    return line;
  }

  function remarks(fact) {
    const said = [];
    if (fact.winners.length === 1 && !DATA.named) {
      const [cell] = fact.winners;
      const ties = fact.cells.filter((one) => one.value === fact.result).length;
      said.push(`Taken from input ${words(cell.row, cell.column)}${ties > 1 ? `; ${ties} cells hold ${Pool.number(fact.result)}, the first counts` : ""}.`);
    }
    if (fact.padding && state.layer.pad_fill === "ignore") {
      const counts = state.layer.count_include_pad && Pool.MODES[state.layer.mode].divides;
      const [cells, are] = fact.padding === 1 ? ["cell", "is"] : ["cells", "are"];
      said.push(`${fact.padding} ${cells} of padding ${are} ${counts ? `counted in n = ${fact.n}` : `left out${why(state.layer)}`}.`);
    }
    return said.join(" ");
  }

  function lens(fact, axes, i, j) {
    if (DATA.named) return;
    const [rows, columns] = [Pool.taps(axes[0], i), Pool.taps(axes[1], j)];
    const holder = byId("lens");
    holder.replaceChildren();
    if (rows > LENS || columns > LENS) {
      holder.style.gridTemplateColumns = "auto";
      holder.append(closeUp(fact, rows, columns), make("span", "", `${rows}x${columns} cells`));
      return;
    }
    holder.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
    for (const cell of fact.cells) {
      const element = make("span", cell.kind, cell.value === undefined ? "" : show(cell.value));
      if (cell.kind === "real") {
        const color = rgb(panels.input.map.view.scale, cell.value);
        element.style.backgroundColor = css(color);
        element.style.color = ink(color);
      }
      if (fact.winners.includes(cell) && known(state.at)) element.classList.add("win");
      holder.append(element);
    }
  }

  // The window by itself, as large as the readout allows.
  function closeUp(fact, rows, columns) {
    const canvas = make("canvas");
    [canvas.width, canvas.height] = [columns, rows];
    const image = new ImageData(columns, rows);
    fact.cells.forEach((cell, index) => {
      const color = cell.value === undefined ? [128, 128, 128, 120] : [...rgb(panels.input.map.view.scale, cell.value), 255];
      image.data.set(color, index * 4);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
    const zoom = Math.min(110 / rows, 180 / columns);
    Object.assign(canvas.style, { width: `${columns * zoom}px`, height: `${Math.max(rows * zoom, 12)}px`, imageRendering: "pixelated" });
    return canvas;
  }

  // Highlight every output cell whose window covers an input cell.
  function feed(id, row, column) {
    clearMarks();
    panels[id].map.mark([[row, column]], "at");
    panels[id].last = [row, column];
    for (const side of state.sides) if (side.from === id) panels[side.id].map.mark(fedBy(side, row, column), "at");
    const side = state.sides.find(({ from }) => from === id);
    readFeed(panels[id].map.view.cell(row, column), row, column, fedBy(side, row, column), side.pooled);
  }

  function fedBy({ pooled: { axes } }, row, column) {
    const found = [Pool.seeing(axes[0], row), Pool.seeing(axes[1], column)];
    return found[0].flatMap((i) => found[1].map((j) => [i, j]));
  }

  function readFeed({ kind: sort, value }, row, column, fed, pooled) {
    const what = DATA.named ? "" : sort === "real" ? `holds ${Pool.number(value)}` : `is ${sort === "unreached" ? "padding" : sort}`;
    const told = (index) => (known(index) && !DATA.named ? ` (${show(pooled.values[index])})` : "");
    const list = fed.slice(0, 12).map(([i, j]) => `${spot(i, j)}${told(i * pooled.columns + j)}`);
    const more = fed.length > 12 ? `, and ${fed.length - 12} more` : "";
    byId("readout-title").textContent = "The cell";
    byId("where").textContent = `Input ${words(row, column)} ${what}`;
    byId("sums").replaceChildren(make("p", "sum", fed.length
      ? `feeds ${fed.length} output cell${fed.length > 1 ? "s" : ""}: ${list.join(", ")}${more}`
      : "feeds no output cell: no window reaches it"));
    byId("remarks").textContent = "";
    byId("lens").replaceChildren();
  }

  // --- pointer and keys ----------------------------------------------------------------------------------------------

  function calm() {
    if (state.timer) stop();
  }

  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function moved(event, row, column, view) {
    const [bottom, right] = [view.top + view.rows - 1, view.left + view.columns - 1];
    if (ARROWS[event.key]) return [row + ARROWS[event.key][0], column + ARROWS[event.key][1]];
    if (event.key === "Home") return [event.ctrlKey ? view.top : row, view.left];
    if (event.key === "End") return [event.ctrlKey ? bottom : row, right];
    return null;
  }

  const COMMANDS = {
    " ": () => { if (!DATA.exercise) toggle(); },
    n: () => step(1),
    b: () => step(-1),
    Enter: () => { state.pinned = true; },
    Escape: () => { state.pinned = false; },
  };

  function key(event, row, column, map) {
    if (event.altKey || event.metaKey) return;
    if (event.target.matches("input") && !typedKey(event, row, column)) return;
    const to = moved(event, row, column, map.view);
    if (to) {
      const { view } = map;
      const clamp = (value, first, count) => Math.min(Math.max(value, first), first + count - 1);
      map.focus(clamp(to[0], view.top, view.rows), clamp(to[1], view.left, view.columns));
    } else if (COMMANDS[event.key] && !event.ctrlKey) {
      COMMANDS[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  }

  const inputHandlers = (id) => ({
    point: (row, column) => { if (!state.pinned && !state.timer) feed(id, row, column); },
    focus: (row, column) => { if (!state.timer) feed(id, row, column); },
    choose: (row, column) => { calm(); state.pinned = false; feed(id, row, column); },
    leave: () => { if (!state.timer && state.pooled) goTo(state.at); },
    key,
  });

  const outputHandlers = (lead) => {
    const index = (row, column) => row * state.pooled.columns + column;
    return {
      point: (row, column) => { if (!state.pinned && !state.timer) goTo(index(row, column), lead); },
      focus: (row, column) => { if (!state.timer) goTo(index(row, column), lead); },
      choose: (row, column) => {
        calm();
        state.pinned = !(state.pinned && state.at === index(row, column));
        goTo(index(row, column), lead);
      },
      leave: () => {},
      answer: (row, column, text) => answer(index(row, column), text),
      key,
    };
  };

  // The handlers of a map; a map of changes shows the changed cell.
  function handlersOf(id) {
    if (id === "before") return inputHandlers("input");
    return kind.inputs.includes(id) ? inputHandlers(id) : outputHandlers(Math.max(state.sides.findIndex((side) => side.id === id), 0));
  }

  // --- exercise ------------------------------------------------------------------------------------------------------

  function begin() {
    state.answers.clear();
    state.opened.clear();
    byId("verdict").textContent = "";
    solutions();
    score();
  }

  // Whether the answer of an output cell may be seen.
  function known(index) {
    if (!DATA.exercise || state.opened.has(index)) return true;
    const given = state.answers.get(index);
    return given !== undefined && ["right", "shown"].includes(given.verdict);
  }

  function quizCell(index, value) {
    const given = state.answers.get(index);
    return given && ["right", "shown"].includes(given.verdict) ? { kind: "real", value, answer: given } : { kind: "ask", answer: given };
  }

  // In a field, up, down and Enter move to other cells; everything else is typing.
  function typedKey(event, row, column) {
    if (event.key === "Enter") {
      const index = row * state.pooled.columns + column;
      const before = state.answers.get(index);
      if (answer(index, event.target.value) === before && before === undefined) byId("verdict").textContent = "Type a number first.";
      event.preventDefault();
      return false;
    }
    return ["ArrowUp", "ArrowDown"].includes(event.key);
  }

  function answer(index, text) {
    const before = state.answers.get(index);
    if (text.trim() === "" || (before && before.text === text)) return before;
    const verdict = Quiz.judge(text, state.pooled.values[index]);
    const given = { text, verdict, wrong: ((before && before.wrong) || 0) + Number(verdict === "wrong") };
    state.answers.set(index, given);
    const at = `Output ${words(...outputAt(index))}`;
    const number = Quiz.read(text);
    const said = number && Pool.number(number.value, 12);
    const as = number && said !== text.trim() ? ` (read as ${said})` : "";
    byId("verdict").textContent = {
      right: `${at}: ${text}${as} is right.`,
      wrong: `${at}: ${text}${as} is not right. Try again, or look at the arithmetic.`,
      rounded: `${at}: ${text} is nearly right: give at least two decimals, or a fraction.`,
      unread: `${at}: "${text}" cannot be read as a number, so it does not count. Write it as 0.5, .5, 0,5 or 1/2.`,
    }[verdict];
    refresh(index);
    if (verdict === "right") goOn(index);
    return given;
  }

  // Redraw an answered cell and update the score.
  function refresh(index) {
    const { map } = panels.output;
    const [row, column] = outputAt(index);
    const inside = document.activeElement && document.activeElement.closest(".cell") === map.cells.get(`${row},${column}`);
    map.update(row, column);
    if (inside) map.focus(row, column);
    score();
    goTo(index);
  }

  function goOn(index) {
    const count = state.pooled.values.length;
    const order = Array.from({ length: count - 1 }, (_, k) => (index + 1 + k) % count);
    const next = order.find((one) => quizCell(one).kind === "ask");
    if (next !== undefined) panels.output.map.focus(...outputAt(next));
  }

  function score() {
    const given = [...state.answers.values()];
    const count = (verdict) => given.filter((one) => one.verdict === verdict).length;
    const wrong = given.reduce((sum, one) => sum + one.wrong, 0);
    const all = state.pooled.values.length;
    const shown = count("shown") ? `, ${count("shown")} revealed` : "";
    const tries = wrong === 1 ? "1 wrong answer" : `${wrong} wrong answers`;
    byId("score").textContent = `${count("right")} of ${all} right, ${tries}${shown}`;
  }

  function reveal(indices) {
    for (const index of indices) {
      const before = state.answers.get(index);
      if (before && before.verdict === "right") continue;
      state.answers.set(index, { text: "", verdict: "shown", wrong: before ? before.wrong : 0 });
      panels.output.map.update(...outputAt(index));
    }
    score();
    goTo(state.at);
  }

  function restart() {
    state.answers.clear();
    state.opened.clear();
    byId("verdict").textContent = "";
    if (!state.pooled) return;
    panels.output.map.repaint();
    score();
    goTo(state.at);
  }

  // The last page in print.
  function solutions() {
    const { pooled, layer } = state;
    byId("solved").textContent = `${byId("headline").textContent}. ${byId("says").textContent}`;
    const table = make("table");
    for (let i = 0; i < pooled.rows; i += 1) {
      const row = make("tr");
      for (let j = 0; j < pooled.columns; j += 1) row.append(make("td", "", brief(pooled.values[i * pooled.columns + j])));
      table.append(row);
    }
    byId("solution-map").replaceChildren(table);
    const places = pooled.values.length <= MOST_SOLVED ? [...pooled.values.keys()] : [];
    byId("solution-list").replaceChildren(...places.map((index) => {
      const [i, j] = outputAt(index);
      const fact = Pool.explain(input(), layer, pooled.axes, i, j);
      return make("li", "", `${spot(i, j)}:  ${fact.formula} = ${Pool.number(fact.result)}`);
    }));
  }

  // --- playing -------------------------------------------------------------------------------------------------------

  function refill(filled) {
    const before = state.filled;
    state.filled = filled;
    const more = before !== null && filled !== null && filled >= before;
    for (const id of outputs()) {
      const { map } = panels[id];
      if (!more) map.repaint();
      else for (let index = before + 1; index <= filled; index += 1) map.update(...outputAt(index));
    }
  }

  function step(by) {
    calm();
    goTo((state.at + by + state.count) % state.count);
  }

  function tick() {
    const next = state.at + 1;
    if (next >= state.count) {
      stop();
      return;
    }
    refill(next);
    goTo(next);
  }

  function play() {
    const start = state.at + 1 < state.count && state.filled !== null ? state.at : 0;
    byId("facts").setAttribute("aria-live", "off"); // a screen reader would be flooded
    state.pinned = false;
    refill(start);
    goTo(start);
    state.timer = window.setInterval(tick, 1000 / Number(byId("speed").value));
    byId("play").textContent = "Pause";
  }

  function stop() {
    window.clearInterval(state.timer);
    state.timer = 0;
    byId("facts").setAttribute("aria-live", "polite");
    byId("play").textContent = "Play";
    if (state.pooled && state.filled !== null && state.at + 1 >= state.count) refill(null);
    if (state.pooled) goTo(state.at);
  }

  function toggle() {
    if (state.timer) stop();
    else if (state.pooled) play();
  }

  // --- controls ------------------------------------------------------------------------------------------------------

  const AXES = flat ? [["cells", 1]] : [["rows", 0], ["columns", 1]];

  const written = (value) => (Number.isNaN(value) ? "" : value); // an empty field is NaN

  function numberInput(id, label, least, read, write) {
    const element = make("input");
    element.type = "number";
    element.min = least;
    element.step = 1;
    element.id = id;
    element.setAttribute("aria-label", label);
    element.value = written(read());
    element.addEventListener("input", () => { write(element.value === "" ? NaN : Number(element.value)); change(); });
    return element;
  }

  function pairs() {
    for (const name of ["size", "stride", "dilation", "output_size"]) {
      const holder = byId(name);
      holder.replaceChildren(...AXES.map(([axis, k]) => numberInput(`${name}-${axis}`, `${name.replace("_", " ")}, ${axis}`, 1,
        () => state.layer[name][k], (value) => { state.layer[name][k] = value; })));
    }
    byId("pads").replaceChildren(...AXES.flatMap(([axis, k]) => ["before", "after"].map((side, s) =>
      numberInput(`pad-${axis}-${side}`, `padding ${side} ${axis}`, 0, () => padsNow()[k][s], (value) => { padsNow()[k][s] = value; }))));
  }

  function padsNow() {
    if (!Array.isArray(state.layer.padding)) return [[0, 0], [0, 0]];
    return state.layer.padding;
  }

  function change() {
    stop();
    state.filled = null;
    if (state.layer && byId("same-stride").checked) {
      state.layer.stride = [...state.layer.size];
      for (const [axis, k] of AXES) byId(`stride-${axis}`).value = written(state.layer.stride[k]);
    }
    if (state.layer) visible();
    compute();
  }

  function visible() {
    const { layer } = state;
    const shown = {
      ".for-sliding": layer.kind === "sliding",
      ".for-adaptive": layer.kind === "adaptive",
      ".for-cells": layer.kind === "sliding" && Array.isArray(layer.padding),
      ".for-number": layer.kind === "sliding" && typeof layer.pad_fill === "number",
      ".needs-parameter": Boolean(Pool.MODES[layer.mode].parameter),
    };
    for (const [selector, on] of Object.entries(shown))
      for (const element of document.querySelectorAll(selector)) element.hidden = !on;
    const allowed = Pool.MODES[layer.mode].parameter;
    if (allowed) byId("parameter-name").textContent = `${allowed.letter}, the ${allowed.meaning}`;
    for (const [axis] of AXES) byId(`stride-${axis}`).disabled = byId("same-stride").checked;
  }

  function choices(id, entries, value) {
    byId(id).replaceChildren(...entries.map(([key, text]) => {
      const element = make("option", "", text);
      element.value = key;
      return element;
    }));
    byId(id).value = value;
  }

  const ON_CHANGE = {
    mode(value) {
      state.layer.mode = value;
      const allowed = Pool.MODES[value].parameter;
      state.layer.parameter = allowed ? allowed.example : null;
      byId("parameter").value = allowed ? allowed.example : "";
    },
    kind(value) { state.layer.kind = value; },
    padding(value) {
      state.layer.padding = value === "cells" ? [[flat ? 0 : 1, flat ? 0 : 1], [1, 1]] : value;
      pairs();
    },
    pad_fill(value) { state.layer.pad_fill = value === "number" ? Number(byId("pad_number").value) : value; },
    nan(value) { state.layer.nan = value; },
    beside() {},
    plane(value) { state.plane = Number(value); },
    colormap(value) { look.colormap = value; },
  };

  function wire() {
    for (const [id, call] of Object.entries(ON_CHANGE))
      byId(id).addEventListener("change", (event) => { call(event.target.value); change(); });
    for (const id of ["ceil_mode", "count_include_pad"])
      byId(id).addEventListener("change", (event) => { state.layer[id] = event.target.checked; change(); });
    byId("same-stride").addEventListener("change", change);
    byId("parameter").addEventListener("input", (event) => { state.layer.parameter = event.target.value === "" ? NaN : Number(event.target.value); change(); });
    byId("pad_number").addEventListener("input", (event) => { state.layer.pad_fill = Number(event.target.value); change(); });
    byId("theme").addEventListener("change", (event) => { document.documentElement.dataset.theme = event.target.value; });
    byId("reset").addEventListener("click", reset);
    byId("play").addEventListener("click", toggle);
    byId("sum").addEventListener("click", () => { state.opened.add(state.at); goTo(state.at); });
    byId("reveal").addEventListener("click", () => reveal([state.at]));
    byId("reveal-all").addEventListener("click", () => reveal(state.pooled.values.keys()));
    byId("again").addEventListener("click", restart);
    byId("with-solutions").addEventListener("change", (event) => { document.body.classList.toggle("alone", !event.target.checked); });
    byId("first").addEventListener("click", () => { calm(); goTo(0); });
    byId("last").addEventListener("click", () => { calm(); goTo(state.count - 1); });
    byId("back").addEventListener("click", () => step(-1));
    byId("forward").addEventListener("click", () => step(1));
    byId("at").addEventListener("input", (event) => { calm(); goTo(Number(event.target.value)); });
    byId("speed").addEventListener("change", () => { if (state.timer) { stop(); play(); } });
    let waiting = 0;
    window.addEventListener("resize", () => {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(refit, 100);
    });
    byId("settings").addEventListener("toggle", refit);
  }

  function reset() {
    state.layer = structuredClone(DATA.layer);
    fill();
    change();
  }

  // Set the controls to the layer.
  function fill() {
    const { layer } = state;
    byId("mode").value = layer.mode;
    byId("parameter").value = layer.parameter === null ? "" : layer.parameter;
    byId("kind").value = layer.kind;
    byId("padding").value = Array.isArray(layer.padding) ? "cells" : layer.padding;
    byId("pad_fill").value = typeof layer.pad_fill === "number" ? "number" : layer.pad_fill;
    if (typeof layer.pad_fill === "number") byId("pad_number").value = layer.pad_fill;
    byId("ceil_mode").checked = layer.ceil_mode;
    byId("count_include_pad").checked = layer.count_include_pad;
    byId("nan").value = layer.nan;
    byId("same-stride").checked = AXES.every(([, k]) => layer.size[k] === layer.stride[k]);
    pairs();
  }

  function start() {
    byId("name").textContent = DATA.name;
    byId("shape").textContent = DATA.named ? "cells named by row and column" : `${DATA.shape} ${DATA.dtype}`;
    byId("exactness").textContent = DATA.exactness;
    byId("stage").replaceChildren(...Object.keys(panels).map(panel));
    choices("plane", DATA.planes.map((name, index) => [index, name]), 0);
    choices("colormap", Object.keys(Maps.TABLES).map((name) => [name, name]), look.colormap);
    byId("plane").parentElement.hidden = DATA.planes.length < 2;
    for (const element of document.querySelectorAll(`[data-of]:not([data-of~="${DATA.kind}"])`)) element.hidden = true;
    if (window.innerWidth < 800 || window.innerHeight < LOW) byId("settings").open = false;
    if (state.layer) offer();
    kind.start();
    wire();
    compute();
  }

  // Fill the choices of a layer.
  function offer() {
    const modes = Object.entries(Pool.MODES).map(([name, mode]) => [name, mode.label]);
    choices("mode", modes, state.layer.mode);
    choices("beside", [["", "nothing"], ...modes], state.layer.mode === "avg" ? "max" : "avg");
    if (state.layer.kind === "given") byId("kind").append(Object.assign(make("option", "", "at random places, as given"), { value: "given" }));
    if (DATA.exercise) {
      document.body.classList.add("quiz");
      for (const id of ["exercise", "solutions"]) byId(id).hidden = false;
      byId("beside").parentElement.hidden = true;
    }
    fill();
    visible();
  }

  function panel(id) {
    const made = make("section", "panel");
    made.id = id;
    made.setAttribute("aria-labelledby", `${id}-title`);
    const title = make("h2");
    title.id = `${id}-title`;
    made.append(title, make("div", "map"), make("div", "bar"));
    return made;
  }

  const kind = Kinds[DATA.kind]({ state, input, numbers, inputView, outputView, plainView, framed, nameOf, sizes, byId, choices, change });
  const panels = Object.fromEntries(kind.panels.map((id) => [id, {}]));
  start();
  return Object.freeze({ data: DATA, state, compute });
})();
