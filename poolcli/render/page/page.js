"use strict";
// The page: controls make a layer, Pool makes the maps, pointer and keys choose a window. See pool.js for the arithmetic.

const Page = (() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const MOST_ELEMENTS = 1300; // cells of one map that are elements; more are drawn on a canvas
  const MOST_NAMES = 12; // cells named in a formula
  const MOST_ASKED = 400; // cells of an exercise
  const MOST_SOLVED = 60; // windows whose arithmetic is printed
  const LENS = 9; // rows and columns of a window whose numbers are shown in the readout
  const [LARGEST_CELL, LEAST_OUTPUT, SMALLEST_FONT, EASY_FONT] = [112, 34, 8, 13]; // pixels
  const AMPLE = 36; // pixels: easy to read and to touch; beyond it no arrangement of the maps is better for larger cells
  const [BESIDE, AROUND] = [34, 84]; // pixels beside a map's cells; above and below them
  const NARROW = 640; // pixels of width below which the page scrolls anyway and titles may have two lines
  const LOW = 850; // pixels of height below which the controls are closed at first
  const SHARE = 0.75; // of the window's height that the maps may have where the page scrolls anyway
  const MARGINS = 20; // pixels between the maps, the readout and the end of the page
  const NAN_COLOR = [255, 0, 255];
  const flat = DATA.ndim === 1;

  const byId = (id) => document.getElementById(id);
  const state = { plane: 0, layer: structuredClone(DATA.layer), at: DATA.at, pinned: false, filled: null, timer: 0, colormap: DATA.colormap,
    answers: new Map(), opened: new Set() };

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // null is NaN in JSON
  const planes = DATA.values.map((values) => Float64Array.from(values, (value) => (value === null ? NaN : value)));
  const input = () => ({ rows: DATA.rows, columns: DATA.columns, values: planes[state.plane] });
  const show = (value) => Pool.number(value, 4);
  // What is short in full, so that 12.625 stays it; the rest with so many digits.
  const brief = (value, digits = 4) => {
    const exact = Pool.number(value, 12);
    return exact.replace(/^-/, "").length <= 6 ? exact : Pool.number(value, digits);
  };
  const spot = (row, column) => (flat ? `${column}` : `${row},${column}`);
  const words = (row, column) => (flat ? `cell ${column}` : `row ${row}, column ${column}`);

  // --- colours -------------------------------------------------------------------------------------------------------

  const TABLES = Object.fromEntries(
    Object.entries(DATA.colormaps).map(([name, text]) => [name, Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]),
  );

  function bounds(values) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : [0, 0];
  }

  function scaleOf(pairs) {
    let low = Math.min(...pairs.map((pair) => pair[0]));
    let high = Math.max(...pairs.map((pair) => pair[1]));
    if (DATA.centred.includes(state.colormap)) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
    return { low, high };
  }

  function rgb(scale, value) {
    if (Number.isNaN(value)) return NAN_COLOR;
    const flatOne = Number.isFinite(value) ? 0.5 : Number(value > 0);
    const share = scale.low < scale.high ? (value / 2 - scale.low / 2) / (scale.high / 2 - scale.low / 2) : flatOne;
    const index = Math.floor(Math.min(Math.max(share, 0), 1) * 255 + 0.5) * 3;
    const table = TABLES[state.colormap];
    return [table[index], table[index + 1], table[index + 2]];
  }

  const css = (color) => `rgb(${color.join(" ")})`;

  function ink(color) {
    const [r, g, b] = color.map((part) => part / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
  }

  // One scale for all maps, unless one of them would drown in it: then each has its own, which the bars tell.
  function scales(maps) {
    const own = maps.map(bounds);
    const shared = scaleOf(own);
    const drowned = own.some(([low, high]) => high > low && high - low < (shared.high - shared.low) / 8);
    return own.map((pair) => (drowned ? scaleOf([pair]) : shared));
  }

  // --- maps: as elements, or on a canvas -----------------------------------------------------------------------------
  // A view is {top, left, rows, columns, cell(row, column), scale, title, current}; rows and columns may start below 0.

  // The share of a cell that numbers are high if the longest is to fit.
  function lettersFor(values, digits) {
    const write = (value) => (digits === 4 ? brief(value) : Pool.number(value, digits));
    const longest = Math.max(1, ...Array.from(values, (value) => write(value).length));
    return Math.min(0.42, 0.84 / (longest * 0.6));
  }

  class ElementMap {
    constructor(holder, view, size, handlers) {
      this.view = view;
      this.cells = new Map();
      this.marked = [];
      this.size = size;
      [this.digits, this.letters] = this.fitting();
      this.build(handlers);
      // lengths as shares of a cell, so that paper can have cells of another size
      const legible = Number(this.letters * size >= SMALLEST_FONT);
      const measures = { cell: `${size}px`, letters: this.letters, legible, small: size >= 14 ? 0.45 : 0, margin: flat ? "0px" : "24px",
        columns: view.columns, rows: view.rows };
      for (const [name, value] of Object.entries(measures)) this.grid.style.setProperty(`--${name}`, value);
      this.grid.classList.toggle("tight", size < 22);
      holder.replaceChildren(this.grid);
    }

    // As many digits as can be read in a cell, and the share of it that they are high; the fewest where none can be read.
    fitting() {
      const { view, size } = this;
      const values = [];
      let letters = 0;
      for (let row = view.top; row < view.top + view.rows; row += 1)
        for (let column = view.left; column < view.left + view.columns; column += 1) {
          const { value } = view.cell(row, column);
          if (value !== undefined) values.push(DATA.named ? Number("1".repeat(spot(row, column).length)) : value);
        }
      for (const digits of [4, 3, 2]) {
        letters = lettersFor(values, digits);
        if (letters * size >= SMALLEST_FONT) return [digits, letters];
      }
      return [2, letters];
    }

    build(handlers) {
      const { view } = this;
      this.grid = make("div", "grid");
      this.grid.setAttribute("role", "grid");
      this.grid.setAttribute("aria-label", view.title);
      this.grid.append(this.ruler());
      for (let row = view.top; row < view.top + view.rows; row += 1) {
        const line = make("div", "row");
        line.setAttribute("role", "row");
        if (!flat) line.append(this.rulerCell("left", row));
        for (let column = view.left; column < view.left + view.columns; column += 1) {
          line.append(this.cellFor(row, column));
        }
        this.grid.append(line);
      }
      this.listen(handlers);
    }

    ruler() {
      const line = make("div", "row");
      line.setAttribute("aria-hidden", "true");
      if (!flat) line.append(make("span", "ruler left top"));
      for (let column = this.view.left; column < this.view.left + this.view.columns; column += 1)
        line.append(make("span", "ruler top", column));
      return line;
    }

    rulerCell(side, text) {
      const element = make("span", `ruler ${side}`, text);
      element.setAttribute("aria-hidden", "true");
      return element;
    }

    cellFor(row, column) {
      const { kind, value, answer } = this.view.cell(row, column);
      const text = value === undefined ? "" : DATA.named ? spot(row, column) : Pool.number(value);
      const element = make("div", `cell ${kind}`, DATA.named || value === undefined ? text : this.digits === 4 ? brief(value) : Pool.number(value, this.digits));
      element.setAttribute("role", "gridcell");
      element.tabIndex = -1;
      element.dataset.row = row;
      element.dataset.column = column;
      const called = kind === "unreached" ? "padding that no window reaches" : kind;
      const meaning = kind === "real" ? text : [called, text].filter(Boolean).join(" ");
      element.setAttribute("aria-label", `${words(row, column)}: ${meaning || "not yet"}`);
      if (DATA.named) element.classList.toggle("named", kind === "real");
      else if (value !== undefined && kind === "real") {
        const color = rgb(this.view.scale, value);
        element.style.backgroundColor = css(color);
        element.style.color = ink(color);
      }
      if (kind === "ask") {
        element.removeAttribute("aria-label");
        element.append(this.question(row, column, answer));
      } else if (answer) {
        element.classList.add(answer.verdict);
        element.setAttribute("aria-label", `${words(row, column)}: ${text}, ${answer.verdict}`);
      }
      this.cells.set(`${row},${column}`, element);
      return element;
    }

    question(row, column, answer) {
      const field = make("input", answer ? answer.verdict : "");
      Object.assign(field, { type: "text", inputMode: "text", autocomplete: "off", spellcheck: false, value: answer ? answer.text : "" });
      field.setAttribute("aria-label", `Output ${words(row, column)}: your answer`);
      if (answer) field.setAttribute("aria-invalid", "true");
      return field;
    }

    listen(handlers) {
      const placeOf = (event) => {
        const element = event.target.closest(".cell");
        return element && [Number(element.dataset.row), Number(element.dataset.column)];
      };
      const on = (type, call) => this.grid.addEventListener(type, (event) => {
        const at = placeOf(event);
        if (at) call(...at, event);
      });
      on("pointerover", (row, column, event) => event.pointerType === "mouse" && handlers.point(row, column));
      on("focusin", (row, column) => {
        this.rove(row, column);
        handlers.focus(row, column);
      });
      on("click", (row, column) => handlers.choose(row, column));
      on("keydown", (row, column, event) => handlers.key(event, row, column, this));
      on("change", (row, column, event) => handlers.answer && handlers.answer(row, column, event.target.value));
      this.grid.addEventListener("pointerleave", () => handlers.leave());
    }

    rove(row, column) {
      if (this.entry) this.entry.tabIndex = -1;
      this.entry = this.cells.get(`${row},${column}`);
      if (this.entry && !this.entry.querySelector("input")) this.entry.tabIndex = 0; // a field can be reached by itself
    }

    focus(row, column) {
      const element = this.cells.get(`${row},${column}`);
      if (element) (element.querySelector("input") || element).focus();
    }

    update(row, column) {
      const old = this.cells.get(`${row},${column}`);
      const fresh = this.cellFor(row, column);
      fresh.tabIndex = old.tabIndex;
      if (this.entry === old) this.entry = fresh;
      old.replaceWith(fresh);
    }

    repaint() {
      for (const cell of [...this.cells.values()]) this.update(Number(cell.dataset.row), Number(cell.dataset.column));
    }

    mark(places, className) {
      for (const [row, column] of places) {
        const element = this.cells.get(`${row},${column}`);
        if (!element) continue;
        element.classList.add(className);
        this.marked.push([element, className]);
      }
    }

    frame(box) {
      if (!box) return;
      const element = make("div", `frame${box.loose ? " loose" : ""}`);
      element.setAttribute("aria-hidden", "true");
      const { view } = this;
      const cells = (count) => `calc(${count} * var(--cell))`;
      Object.assign(element.style, {
        left: `calc(var(--margin) + ${cells(box.left - view.left)})`, top: `calc(var(--head) + ${cells(box.top - view.top)})`,
        width: cells(box.columns), height: cells(box.rows),
      });
      this.grid.append(element);
      this.framed = element;
    }

    clear() {
      for (const [element, className] of this.marked) element.classList.remove(className);
      this.marked = [];
      if (this.framed) this.framed.remove();
    }
  }

  class CanvasMap {
    constructor(holder, view, size, handlers) {
      Object.assign(this, { view, size, entry: [view.top, view.left], shapes: [] });
      this.canvas = make("canvas");
      this.ratio = window.devicePixelRatio || 1;
      const [width, height] = [Math.max(view.columns * size, 1), Math.max(view.rows * size, 1)];
      this.canvas.width = Math.round(width * this.ratio);
      this.canvas.height = Math.round(height * this.ratio);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
      this.canvas.style.setProperty("--ratio", width / height);
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "application");
      this.canvas.setAttribute("aria-label", `${view.title}; arrow keys go from cell to cell`);
      this.canvas.setAttribute("aria-describedby", "facts");
      this.paint();
      this.draw();
      this.listen(handlers);
      holder.replaceChildren(this.canvas);
    }

    repaint() {
      this.paint();
      this.draw();
    }

    paint() {
      const { view } = this;
      this.pixels = make("canvas");
      this.pixels.width = view.columns;
      this.pixels.height = view.rows;
      const context = this.pixels.getContext("2d");
      const image = context.createImageData(view.columns, view.rows);
      for (let row = 0; row < view.rows; row += 1)
        for (let column = 0; column < view.columns; column += 1)
          image.data.set(this.pixel(row + view.top, column + view.left), (row * view.columns + column) * 4);
      context.putImageData(image, 0, 0);
    }

    pixel(row, column) {
      const { kind, value } = this.view.cell(row, column);
      if (kind === "unreached") return (row + column) % 2 ? [128, 128, 128, 160] : [128, 128, 128, 30];
      if (kind !== "real") return kind === "padding" ? [128, 128, 128, 160] : [128, 128, 128, 60];
      if (DATA.named) return [128, 128, 128, (row + column) % 2 ? 70 : 40];
      return value === undefined ? [128, 128, 128, 40] : [...rgb(this.view.scale, value), 255];
    }

    update(row, column) {
      const context = this.pixels.getContext("2d");
      context.putImageData(new ImageData(Uint8ClampedArray.from(this.pixel(row, column)), 1, 1), column - this.view.left, row - this.view.top);
    }

    draw() {
      const context = this.canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.imageSmoothingEnabled = this.size < 1;
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      context.drawImage(this.pixels, 0, 0, this.canvas.width, this.canvas.height);
      context.scale(this.ratio, this.ratio);
      for (const shape of this.shapes) this.stroke(context, shape);
    }

    // A box of at least a few pixels, with a light and a dark rim, so that it can be seen on every colour.
    stroke(context, { top, left, rows, columns, color, least }) {
      const { size, view } = this;
      const [wide, high] = [Math.max(columns * size, least), Math.max(rows * size, least)];
      const room = (start, length, all) => Math.min(Math.max(start + length / 2, 0), all);
      const x = room((left - view.left) * size, columns * size, view.columns * size) - wide / 2;
      const y = room((top - view.top) * size, rows * size, view.rows * size) - high / 2;
      for (const [style, width] of [["#000", 6], ["#fff", 4], [color, 2]]) {
        context.strokeStyle = style;
        context.lineWidth = width;
        context.strokeRect(x, y, wide, high);
      }
    }

    listen(handlers) {
      const placeOf = (event) => {
        const { left, top } = this.canvas.getBoundingClientRect();
        const clamp = (value, count) => Math.min(Math.max(Math.floor(value), 0), count - 1);
        const { view, size } = this;
        return [view.top + clamp((event.clientY - top) / size, view.rows), view.left + clamp((event.clientX - left) / size, view.columns)];
      };
      this.canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && handlers.point(...placeOf(event)));
      this.canvas.addEventListener("click", (event) => handlers.choose(...placeOf(event)));
      this.canvas.addEventListener("pointerleave", () => handlers.leave());
      this.canvas.addEventListener("focus", () => this.canvas.matches(":focus-visible") && handlers.focus(...this.entry));
      this.canvas.addEventListener("keydown", (event) => handlers.key(event, ...this.entry, this));
      this.handlers = handlers;
    }

    rove(row, column) {
      this.entry = [row, column];
    }

    focus(row, column) {
      this.rove(row, column);
      if (document.activeElement === this.canvas) this.handlers.focus(row, column);
      else this.canvas.focus();
    }

    mark(places, className) {
      if (!places.length || className === "in") return;
      const [rows, columns] = [places.map((at) => at[0]), places.map((at) => at[1])];
      const [top, left] = [Math.min(...rows), Math.min(...columns)];
      const size = { rows: Math.max(...rows) - top + 1, columns: Math.max(...columns) - left + 1 };
      this.shapes.push({ top, left, ...size, color: className === "win" ? "#ff0" : "#ff4d00", least: className === "win" ? 4 : 9 });
      this.draw();
    }

    frame(box) {
      if (box) this.shapes.unshift({ ...box, color: "#ff4d00", least: 12 });
      this.draw();
    }

    clear() {
      this.shapes = [];
      this.draw();
    }
  }

  // --- the three panels ----------------------------------------------------------------------------------------------

  const panels = { input: {}, output: {}, other: {} };

  function inputView(axes, scale) {
    const span = (axis) => {
      const first = Math.min(-axis.before, ...axis.starts.slice(0, 1));
      const i = axis.starts.length - 1;
      const last = Math.max(axis.length + axis.after - 1, Pool.place(axis, i, Pool.taps(axis, i) - 1));
      return [first, last - first + 1];
    };
    const [[top, rows], [left, columns]] = axes.map(span);
    const map = input();
    const [down, across] = axes;
    // where padding ends that some window reaches
    const [bottom, right] = axes.map((axis) => Math.max(axis.length, ...axis.starts.map((_, i) => Pool.place(axis, i, Pool.taps(axis, i) - 1) + 1)));
    const cell = (row, column) => {
      const inside = row >= 0 && row < map.rows && column >= 0 && column < map.columns;
      if (inside) return { kind: "real", value: map.values[row * map.columns + column] };
      if (row >= map.rows + down.after || column >= map.columns + across.after) return { kind: "overhang" };
      return { kind: row >= bottom || column >= right ? "unreached" : "padding" };
    };
    const left_over = down.length + down.after - bottom > 0 || across.length + across.after - right > 0;
    byId("unreached").textContent = left_over ? "Crossed out: padding that no window reaches, because the next one would need more cells." : "";
    return { top, left, rows, columns, cell, scale, title: `Input, ${map.rows} rows, ${map.columns} columns` };
  }

  function outputView(pooled, scale, name) {
    const cell = (row, column) => {
      const index = row * pooled.columns + column;
      if (DATA.exercise) return quizCell(index, pooled.values[index]);
      const there = state.filled === null || index <= state.filled;
      return there ? { kind: "real", value: pooled.values[index] } : { kind: "empty" };
    };
    const title = `${name}, ${pooled.rows} rows, ${pooled.columns} columns`;
    return { top: 0, left: 0, rows: pooled.rows, columns: pooled.columns, cell, scale, title };
  }

  // Where the maps may stand: what has to fit side by side and one above the other, as [cells, pixels beside them];
  // `outputs` says it of the outputs alone once the input's cells have their size. `a` is the input, `b` one of n outputs,
  // and no panel is narrower than its title.
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

  // What is left for the maps between what stands above and the readout below, so that all of it is in view at once.
  // Where too little is left the page scrolls.
  function room() {
    const stage = byId("stage");
    const [wide, gap] = [stage.clientWidth, parseFloat(getComputedStyle(stage).columnGap)];
    const below = byId("readout").offsetHeight + byId("unreached").offsetHeight;
    const high = window.innerHeight - stage.offsetTop - below - MARGINS;
    const [least, title] = wide < NARROW ? [640, 144] : [288, 292];
    // between open controls and the readout little is left: the input stays easy to read, and the page scrolls
    const low = window.innerHeight < LOW && byId("settings").open;
    const easy = low ? Math.min((DATA.rows + 2) * AMPLE + AROUND, SHARE * window.innerHeight) : 0;
    return { wide, gap, title, high: Math.max(high, least, easy) };
  }

  const fitting = (pairs, length) => Math.min(...pairs.map(([cells, fixed]) => (length - fixed) / cells));
  const whole = (size) => (size >= 1 ? Math.floor(size) : Math.max(size, 0.1));

  // The first arrangement with ample cells, or else the one with the largest; and the room for the outputs' cells in it.
  function arranged(a, b, n) {
    const space = room();
    state.room = JSON.stringify(space);
    const all = Object.entries(ARRANGEMENTS).map(([name, make]) => {
      const made = make(a, b, n, space);
      return { name, ...made, size: whole(Math.min(fitting(made.across, space.wide), fitting(made.down, space.high), LARGEST_CELL)) };
    });
    const largest = all.reduce((best, one) => (one.size > best.size ? one : best));
    const { name, size, tracks, outputs } = all.find((one) => one.size >= AMPLE) || largest;
    const columns = tracks.map((view) => `minmax(${space.title}px, ${view.columns * size + BESIDE}fr)`).join(" ");
    return { name, size, columns, high: fitting([outputs(size)], space.high) };
  }

  function place(id, view, size, handlers) {
    const holder = byId(id).querySelector(".map");
    const few = view.rows * view.columns <= MOST_ELEMENTS && size >= 6;
    const Kind = few || (DATA.exercise && id === "output") ? ElementMap : CanvasMap;
    panels[id].map = new Kind(holder, view, size, handlers);
    bar(id, view.scale);
  }

  function bar(id, scale) {
    if (DATA.named) return;
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

  function besideLayer() {
    const mode = byId("beside").value;
    if (!mode || DATA.exercise) return null;
    const allowed = Pool.MODES[mode].parameter;
    const parameter = mode === DATA.layer.mode ? DATA.layer.parameter : allowed ? allowed.example : null;
    return { ...state.layer, mode, parameter };
  }

  const nameOf = (layer) => Pool.MODES[layer.mode].label + (layer.parameter === null ? "" : ` ${Pool.number(layer.parameter)}`);
  const sizes = (numbers) => Pool.times(flat ? numbers.slice(1) : numbers);

  function compute() {
    byId("problem").textContent = "";
    try {
      state.pooled = Pool.pool(input(), state.layer);
      const other = besideLayer();
      state.other = other && { layer: other, pooled: Pool.pool(input(), other) };
    } catch (problem) {
      if (!(problem instanceof Pool.PoolError)) throw problem;
      return fail(problem.message);
    }
    if (DATA.exercise && state.pooled.values.length > MOST_ASKED)
      return fail(`${state.pooled.values.length} cells are too many to work out by hand: at most ${MOST_ASKED}`);
    state.at = Math.min(state.at, state.pooled.values.length - 1);
    byId("stage").hidden = byId("readout").hidden = false;
    describe();
    if (DATA.exercise) {
      state.answers.clear();
      state.opened.clear();
      byId("verdict").textContent = "";
      solutions();
      score();
    }
    redraw();
    refit(); // the readout has its text only now
    return undefined;
  }

  function redraw() {
    const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest(".panel");
    drawPanels();
    goTo(state.at);
    if (focused) panels[focused.id].map.focus(...panels[focused.id].last || [0, 0]);
  }

  // Draw the maps again if the room for them is another one than they were drawn for.
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
    const { pooled, other } = state;
    byId("other").hidden = !other;
    const [first, second, third] = scales([input().values, pooled.values, ...(other ? [other.pooled.values] : [])]);
    const view = inputView(pooled.axes, first);
    const out = outputView(pooled, second, nameOf(state.layer));
    const { name, size, columns, high } = arranged(view, out, other ? 2 : 1);
    const stage = byId("stage");
    stage.dataset.arrangement = name;
    stage.style.gridTemplateColumns = columns;
    place("input", view, size, inputHandlers);
    // a small output, or one of long numbers, is enlarged where there is room, so that it can be read
    const shown = [pooled, ...(other ? [other.pooled] : [])].filter(({ values }) => values.length <= MOST_ELEMENTS);
    const least = Math.max(LEAST_OUTPUT, ...shown.map(({ values }) => EASY_FONT / lettersFor(values, 4)));
    const wide = (byId("output").clientWidth - BESIDE) / out.columns;
    place("output", out, whole(Math.min(Math.max(size, least), Math.max(size, high), wide)), outputHandlers("output"));
    byId("output-title").textContent = `Output: ${nameOf(state.layer)}, ${sizes([pooled.rows, pooled.columns])}`;
    byId("input-title").textContent = `Input, ${sizes([DATA.rows, DATA.columns])}`;
    if (!other) return;
    place("other", outputView(other.pooled, third, nameOf(other.layer)), panels.output.map.size, outputHandlers("other"));
    byId("other-title").textContent = `For comparison: ${nameOf(other.layer)}, ${sizes([other.pooled.rows, other.pooled.columns])}`;
  }

  function describe() {
    const { layer, pooled } = state;
    const how = {
      sliding: () => `${sizes(layer.size)}, stride ${sizes(layer.stride)}${padText()}`,
      global: () => "over everything",
      adaptive: () => `to ${sizes(layer.output_size)}`,
      given: () => "at random places",
    }[layer.kind]();
    const dilated = layer.kind === "sliding" && layer.dilation.some((d) => d > 1) ? `, dilation ${sizes(layer.dilation)}` : "";
    const ceil = layer.kind === "sliding" && layer.ceil_mode ? ", ceil_mode" : "";
    byId("headline").textContent =
      `${nameOf(layer)} ${how}${dilated}${ceil}: ${sizes([DATA.rows, DATA.columns])} becomes ${sizes([pooled.rows, pooled.columns])}`;
    const label = nameOf(layer);
    byId("says").textContent = `${label[0].toUpperCase()}${label.slice(1)} pooling ${Pool.MODES[layer.mode].says}.`;
    byId("at").max = pooled.values.length - 1;
    byId("command").textContent = command();
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
    const said = [DATA.named ? `poolcli explain --shape ${sizes([DATA.rows, DATA.columns])} --mode` : "poolcli pool --mode", mode];
    if (layer.kind === "global") said.push("--global");
    if (layer.kind === "adaptive") said.push("--output-size", sizes(layer.output_size));
    if (layer.kind === "sliding") {
      said.push("--size", sizes(layer.size), "--stride", sizes(layer.stride), ...padText().replace(", padding", "--padding").split(" ").filter(Boolean));
      if (layer.dilation.some((d) => d > 1)) said.push("--dilation", sizes(layer.dilation));
      if (layer.ceil_mode) said.push("--ceil-mode");
    }
    if (layer.pad_fill !== "ignore") said.push("--pad-fill", layer.pad_fill);
    if (layer.count_include_pad) said.push("--count-include-pad");
    if (layer.nan === "ignore") said.push("--nan ignore");
    return [...said, ...(DATA.named ? [] : [DATA.quoted])].join(" ");
  }

  // --- choosing a window ---------------------------------------------------------------------------------------------

  const outputAt = (index) => [Math.floor(index / state.pooled.columns), index % state.pooled.columns];

  function clearMarks() {
    for (const { map } of Object.values(panels)) if (map) map.clear();
  }

  // Light up the window of one output cell and show its arithmetic.
  function goTo(index) {
    const [i, j] = outputAt(index);
    state.at = index;
    const { axes } = state.pooled;
    const fact = Pool.explain(input(), state.layer, axes, i, j);
    clearMarks();
    const { map } = panels.input;
    map.mark(fact.cells.map((cell) => [cell.row, cell.column]), "in");
    if (known(index) && !DATA.named) map.mark(fact.winners.map((cell) => [cell.row, cell.column]), "win");
    map.frame(boxOf(axes, i, j));
    for (const id of ["output", "other"]) {
      if (!panels[id].map || byId(id).hidden) continue;
      panels[id].map.mark([[i, j]], "at");
      panels[id].map.rove(i, j);
      panels[id].last = [i, j];
    }
    byId("at").value = index;
    byId("at").setAttribute("aria-valuetext", `output ${words(i, j)}`);
    byId("count").textContent = `${index + 1} of ${state.pooled.values.length}`;
    readWindow(fact, axes, i, j);
  }

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

  function readWindow(fact, axes, i, j) {
    const rows = flat ? "" : `${spanText("row", axes[0], i)}, `;
    byId("readout-title").textContent = "The window";
    byId("where").textContent =
      `Output ${words(i, j)} looks at input ${rows}${spanText(flat ? "cell" : "column", axes[1], j)}`;
    sumLine("first-sum", state.layer, fact);
    const { other } = state;
    byId("second-sum").hidden = !other;
    if (other) sumLine("second-sum", other.layer, Pool.explain(input(), other.layer, axes, i, j));
    byId("remarks").textContent = remarks(fact);
    lens(fact, axes, i, j);
    if (known(state.at)) return;
    byId("first-sum").textContent = byId("remarks").textContent = ""; // that would be the answer
  }

  // The formula with the names of the cells in it.
  function namedSum(id, layer, fact) {
    const cells = fact.cells.filter((cell) => cell.kind === "real");
    const names = cells.slice(0, MOST_NAMES).map((cell) => `x[${spot(cell.row, cell.column)}]`);
    if (cells.length > MOST_NAMES) names.push("...");
    const { label, written } = Pool.MODES[layer.mode];
    const made = written.replace("{,}", names.join(", ")).replace("{+}", names.join(" + ")).replace("{n}", fact.n);
    byId(id).textContent = made && !/[{}]/.test(made) ? made : `${label} of ${names.join(", ")}`;
  }

  function sumLine(id, layer, fact) {
    if (DATA.named) return namedSum(id, layer, fact);
    const called = /^(max|min)\(/.test(fact.formula) ? "" : `${Pool.MODES[layer.mode].label}: `;
    byId(id).replaceChildren(`${called}${fact.formula} = `, make("b", "", Pool.number(fact.result)));
    return undefined;
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
      said.push(`${fact.padding} ${cells} of padding ${are} ${counts ? `counted in n = ${fact.n}` : "left out"}.`);
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
    Object.assign(canvas.style, { width: `${columns * zoom}px`, height: `${rows * zoom}px`, imageRendering: "pixelated" });
    return canvas;
  }

  // Light up every output cell that looks at one input cell.
  function feed(row, column) {
    const { pooled } = state;
    const { axes } = pooled;
    const found = [Pool.seeing(axes[0], row), Pool.seeing(axes[1], column)];
    const fed = found[0].flatMap((i) => found[1].map((j) => [i, j]));
    clearMarks();
    panels.input.map.mark([[row, column]], "at");
    panels.input.last = [row, column];
    for (const id of ["output", "other"]) if (panels[id].map && !byId(id).hidden) panels[id].map.mark(fed, "at");
    readFeed(row, column, fed, pooled);
  }

  function readFeed(row, column, fed, pooled) {
    const { kind, value } = panels.input.map.view.cell(row, column);
    const what = DATA.named ? "" : kind === "real" ? `holds ${Pool.number(value)}` : `is ${kind === "unreached" ? "padding" : kind}`;
    const told = (index) => (known(index) && !DATA.named ? ` (${show(pooled.values[index])})` : "");
    const list = fed.slice(0, 12).map(([i, j]) => `${spot(i, j)}${told(i * pooled.columns + j)}`);
    const more = fed.length > 12 ? `, and ${fed.length - 12} more` : "";
    byId("readout-title").textContent = "The cell";
    byId("where").textContent = `Input ${words(row, column)} ${what}`;
    byId("first-sum").textContent = fed.length
      ? `feeds ${fed.length} output cell${fed.length > 1 ? "s" : ""}: ${list.join(", ")}${more}`
      : "feeds no output cell: no window reaches it";
    byId("second-sum").textContent = "";
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

  const inputHandlers = {
    point: (row, column) => { if (!state.pinned && !state.timer) feed(row, column); },
    focus: (row, column) => { if (!state.timer) feed(row, column); },
    choose: (row, column) => { calm(); state.pinned = false; feed(row, column); },
    leave: () => { if (!state.timer && state.pooled) goTo(state.at); },
    key,
  };

  const outputHandlers = (id) => ({
    point: (row, column) => { if (!state.pinned && !state.timer) goTo(row * state.pooled.columns + column); },
    focus: (row, column) => { if (!state.timer) goTo(row * state.pooled.columns + column); },
    choose: (row, column) => {
      calm();
      const index = row * state.pooled.columns + column;
      state.pinned = !(state.pinned && state.at === index);
      goTo(index);
    },
    leave: () => {},
    answer: (row, column, text) => answer(row * state.pooled.columns + column, text),
    key: (event, row, column, map) => key(event, row, column, map, id),
  });

  // --- exercise ------------------------------------------------------------------------------------------------------

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

  // In a field the arrows up and down and Enter lead to other cells; all else is typing.
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

  // Draw one answered cell again and count.
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

  // What is printed on the last page.
  function solutions() {
    const { pooled, layer } = state;
    byId("solved").textContent = `${byId("says").textContent} ${byId("headline").textContent}.`;
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
    for (const id of ["output", "other"]) {
      const { map } = panels[id];
      if (!map || byId(id).hidden) continue;
      if (!more) map.repaint();
      else for (let index = before + 1; index <= filled; index += 1) map.update(...outputAt(index));
    }
  }

  function step(by) {
    calm();
    const count = state.pooled.values.length;
    goTo((state.at + by + count) % count);
  }

  function tick() {
    const next = state.at + 1;
    if (next >= state.pooled.values.length) {
      stop();
      return;
    }
    refill(next);
    goTo(next);
  }

  function play() {
    const start = state.at + 1 < state.pooled.values.length && state.filled !== null ? state.at : 0;
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
    if (state.pooled && state.filled !== null && state.at + 1 >= state.pooled.values.length) refill(null);
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
    if (byId("same-stride").checked) {
      state.layer.stride = [...state.layer.size];
      for (const [axis, k] of AXES) byId(`stride-${axis}`).value = written(state.layer.stride[k]);
    }
    visible();
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
    colormap(value) { state.colormap = value; },
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
    byId("last").addEventListener("click", () => { calm(); goTo(state.pooled.values.length - 1); });
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

  // Put the layer into the controls.
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
    const modes = Object.entries(Pool.MODES).map(([name, mode]) => [name, mode.label]);
    choices("mode", modes, state.layer.mode);
    choices("beside", [["", "nothing"], ...modes], state.layer.mode === "avg" ? "max" : "avg");
    choices("plane", DATA.planes.map((name, index) => [index, name]), 0);
    choices("colormap", Object.keys(TABLES).map((name) => [name, name]), state.colormap);
    if (DATA.exercise) {
      document.body.classList.add("quiz");
      for (const id of ["exercise", "solutions"]) byId(id).hidden = false;
      byId("beside").parentElement.hidden = true;
    }
    byId("plane").parentElement.hidden = DATA.planes.length < 2;
    if (state.layer.kind === "given") byId("kind").append(Object.assign(make("option", "", "at random places, as given"), { value: "given" }));
    if (window.innerWidth < 800 || window.innerHeight < LOW) byId("settings").open = false;
    fill();
    wire();
    visible();
    compute();
  }

  start();
  return Object.freeze({ data: DATA, state, compute });
})();
