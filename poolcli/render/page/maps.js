"use strict";
// Drawing maps: numbers to colours, cells as elements or on a canvas, and lines with their windows.

const DATA = JSON.parse(document.getElementById("data").textContent);

const Maps = (() => {
  const MOST_ELEMENTS = 1300; // cells of a map drawn as elements; larger maps use a canvas
  const SMALLEST_FONT = 8; // pixels
  const INSET = 6; // pixels of space above and below a line
  const MOST_LANES = 6; // for overlapping windows
  const NARROWEST = 3; // pixels of a visible window
  const LINE_COLOR = "#4a80c4"; // visible on light, dark and paper
  const NAN_COLOR = [255, 0, 255];
  const flat = DATA.ndim === 1;
  const look = { colormap: DATA.colormap };

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  const isThere = (value) => value !== undefined && !Number.isNaN(value);
  const show = (value) => Pool.number(value, 4);
  // Short numbers in full, such as 12.625; others with `digits` digits.
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
    if (DATA.centred.includes(look.colormap)) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
    return { low, high };
  }

  // The position of a number between the ends of a scale, from 0 to 1.
  function shareOf(scale, value) {
    const flatOne = Number.isFinite(value) ? 0.5 : Number(value > 0);
    const share = scale.low < scale.high ? (value / 2 - scale.low / 2) / (scale.high / 2 - scale.low / 2) : flatOne;
    return Math.min(Math.max(share, 0), 1);
  }

  function rgb(scale, value) {
    if (Number.isNaN(value)) return NAN_COLOR;
    const index = Math.floor(shareOf(scale, value) * 255 + 0.5) * 3;
    const table = TABLES[look.colormap];
    return [table[index], table[index + 1], table[index + 2]];
  }

  const css = (color) => `rgb(${color.join(" ")})`;

  function ink(color) {
    const [r, g, b] = color.map((part) => part / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
  }

  // One scale for all maps, unless it would hide the contrasts of one: then each has its own, as the bars show.
  function scales(maps) {
    const own = maps.map(bounds);
    const shared = scaleOf(own);
    const drowned = own.some(([low, high]) => high > low && high - low < (shared.high - shared.low) / 8);
    return own.map((pair) => (drowned ? scaleOf([pair]) : shared));
  }

  // --- maps: as elements, or on a canvas -----------------------------------------------------------------------------
  // A view is {top, left, rows, columns, cell(row, column), scale, title, current}; rows and columns may start below 0.

  // The height of numbers as a share of the cell, so that the longest fits.
  function lettersFor(values, digits) {
    const write = (value) => (digits === 4 ? brief(value) : Pool.number(value, digits));
    const longest = Math.max(1, ...Array.from(values, (value) => write(value).length));
    return Math.min(0.42, 0.84 / (longest * 0.6));
  }

  // The text of a cell without numbers: its position, that of the cell that padding copies, or the number in padding.
  function nameAt(view, row, column) {
    const { kind, value, from } = view.cell(row, column);
    return from || kind === "real" ? spot(...(from || [row, column])) : Pool.number(value);
  }

  class ElementMap {
    constructor(holder, view, size, handlers) {
      this.view = view;
      this.cells = new Map();
      this.marked = [];
      this.size = size;
      [this.digits, this.letters] = this.fitting();
      this.build(handlers);
      // lengths relative to a cell, so that cells can have another size on paper
      const legible = Number(this.letters * size >= SMALLEST_FONT);
      const measures = { cell: `${size}px`, letters: this.letters, legible, small: size >= 20 ? 0.45 : 0, margin: flat ? "0px" : "24px",
        columns: view.columns, rows: view.rows };
      for (const [name, value] of Object.entries(measures)) this.grid.style.setProperty(`--${name}`, value);
      this.grid.classList.toggle("tight", size < 22);
      holder.replaceChildren(this.grid);
    }

    // The most digits that are readable in a cell, and their height as a share of it; the fewest if none are.
    fitting() {
      const { view, size } = this;
      const values = [];
      let letters = 0;
      for (let row = view.top; row < view.top + view.rows; row += 1)
        for (let column = view.left; column < view.left + view.columns; column += 1) {
          const { value } = view.cell(row, column);
          if (value !== undefined) values.push(DATA.named ? Number("1".repeat(nameAt(view, row, column).length)) : value);
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
      const { kind, value, answer, differs } = this.view.cell(row, column);
      const text = value === undefined ? "" : DATA.named ? nameAt(this.view, row, column) : Pool.number(value);
      const element = make("div", `cell ${kind}`, DATA.named || value === undefined ? text : this.digits === 4 ? brief(value) : Pool.number(value, this.digits));
      element.setAttribute("role", "gridcell");
      element.tabIndex = -1;
      element.dataset.row = row;
      element.dataset.column = column;
      const called = kind === "unreached" ? "padding that no window reaches" : kind;
      const meaning = kind === "real" ? text : [called, text].filter(Boolean).join(" ");
      element.setAttribute("aria-label", `${words(row, column)}: ${meaning || "not yet"}${differs ? ", differs" : ""}`);
      element.classList.toggle("differs", Boolean(differs));
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
      if (this.entry && !this.entry.querySelector("input")) this.entry.tabIndex = 0; // a field is focusable anyway
    }

    focus(row, column) {
      const element = this.cells.get(`${row},${column}`);
      const field = element && element.querySelector("input");
      if (element) (field || element).focus();
      if (field) field.select(); // so that typing replaces the last answer
    }

    update(row, column) {
      this.renew(row, column);
    }

    renew(row, column) {
      const old = this.cells.get(`${row},${column}`);
      const fresh = this.cellFor(row, column);
      fresh.tabIndex = old.tabIndex;
      if (this.entry === old) this.entry = fresh;
      old.replaceWith(fresh);
    }

    repaint() {
      for (const cell of [...this.cells.values()]) this.renew(Number(cell.dataset.row), Number(cell.dataset.column));
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
        left: `calc(var(--margin) + ${cells(box.left - view.left)})`,
        top: `calc(var(--above, 0px) + var(--head) + ${cells(box.top - view.top)})`,
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
      const [width, height] = [Math.max(view.columns * size, 1), Math.max(this.high, 1)];
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

    get high() {
      return this.view.rows * this.size;
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
      const { kind, value, differs } = this.view.cell(row, column);
      if (kind === "unreached") return (row + column) % 2 ? [128, 128, 128, 160] : [128, 128, 128, 30];
      if (kind !== "real") return kind === "padding" ? [128, 128, 128, 160] : [128, 128, 128, 60];
      if (DATA.named) return [128, 128, 128, (row + column) % 2 ? 70 : 40];
      return value === undefined ? [128, 128, 128, 40] : [...rgb(this.view.scale, value), differs === false ? 80 : 255];
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

    // A box of at least a few pixels, with a light and a dark rim, visible on every colour.
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
      this.handlers = handlers;
      this.canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && handlers.point(...placeOf(event)));
      this.canvas.addEventListener("click", (event) => handlers.choose(...placeOf(event)));
      this.canvas.addEventListener("pointerleave", () => handlers.leave());
      this.canvas.addEventListener("focus", () => this.canvas.matches(":focus-visible") && handlers.focus(...this.entry));
      this.canvas.addEventListener("keydown", (event) => handlers.key(event, ...this.entry, this));
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
      this.shapes.push({ top, left, ...size, kind: className, color: className === "win" ? "#ff0" : "#ff4d00", least: className === "win" ? 4 : 9 });
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

  const narrow = ({ windows }, size) => (windows[0][1] - windows[0][0]) * size < NARROWEST;

  // A map with one axis as a line, with bands for windows. If several cells share a pixel, the line spans their minimum
  // and maximum, so that no peak is lost.
  class LineMap extends CanvasMap {
    get high() {
      return this.view.tall;
    }

    y(value) {
      return INSET + (this.high - 2 * INSET) * (1 - shareOf(this.view.scale, value));
    }

    paint() {
      const { view, size } = this;
      this.path = new Path2D();
      if (DATA.named) return;
      const step = Math.max(1, 1 / size);
      let open = false;
      for (let first = 0; first < view.columns; first += step) {
        const [least, most] = this.reach(view.left + Math.floor(first), view.left + Math.min(Math.floor(first + step), view.columns));
        const x = (first + step / 2) * size;
        if (least <= most) {
          if (!open) this.path.moveTo(x, this.y(least) + 0.5); // so that a single cell is a dot
          this.path.lineTo(x, this.y(least));
          this.path.lineTo(x, this.y(most));
        }
        open = least <= most;
      }
    }

    // The minimum and maximum of some cells, without NaN and empty cells.
    reach(first, end) {
      let [least, most] = [Infinity, -Infinity];
      for (let column = first; column < end; column += 1) {
        const { kind, value } = this.view.cell(0, column);
        if (kind !== "real" || !isThere(value)) continue;
        if (value < least) least = value;
        if (value > most) most = value;
      }
      return [least, most];
    }

    update() {
      this.repaint();
    }

    draw() {
      const context = this.canvas.getContext("2d");
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.grounds(context);
      for (const shape of this.shapes) this.stroke(context, shape);
      Object.assign(context, { strokeStyle: LINE_COLOR, lineWidth: 2, lineJoin: "round", lineCap: "round" });
      context.stroke(this.path);
      for (const shape of this.shapes) if (shape.kind === "win") this.dot(context, shape.left);
    }

    // Padding, and the windows if they are wide enough to tell apart.
    grounds(context) {
      const { view, size } = this;
      context.fillStyle = "rgb(128 128 128 / 0.35)";
      for (const [first, end] of [[view.left, 0], [view.length, view.left + view.columns]])
        if (end > first) context.fillRect((first - view.left) * size, 0, (end - first) * size, this.high);
      const windows = view.windows || [];
      if (!windows.length || narrow(view, size)) return;
      // overlapping windows go into lanes below each other
      const lanes = Math.min(Math.max(windows.findIndex(([first]) => first >= windows[0][1]), 1), MOST_LANES);
      windows.forEach(([first, end], index) => {
        context.fillStyle = index % 2 ? "rgb(255 140 90 / 0.3)" : "rgb(74 128 196 / 0.25)";
        context.fillRect((first - view.left) * size, ((index % lanes) * this.high) / lanes, (end - first) * size, this.high / lanes);
      });
    }

    stroke(context, { left, columns, kind }) {
      if (kind === "win") return;
      const wide = Math.max(columns * this.size, NARROWEST);
      const x = (left - this.view.left + columns / 2) * this.size - wide / 2;
      context.fillStyle = "rgb(212 58 0 / 0.3)";
      context.fillRect(x, 0, wide, this.high);
      Object.assign(context, { strokeStyle: "#d43a00", lineWidth: 2 });
      context.strokeRect(x + 1, 1, wide - 2, this.high - 2);
    }

    dot(context, column) {
      const { value } = this.view.cell(0, column);
      if (!isThere(value)) return;
      context.beginPath();
      context.arc((column - this.view.left + 0.5) * this.size, this.y(value), 5, 0, 2 * Math.PI);
      Object.assign(context, { fillStyle: "#d43a00", strokeStyle: "#fff", lineWidth: 2 });
      context.fill();
      context.stroke();
    }
  }

  // A line above its cells, which show the numbers and take keys and answers.
  class FlatMap extends ElementMap {
    constructor(holder, view, size, handlers) {
      super(holder, view, size, handlers);
      const above = make("div", "line");
      above.setAttribute("aria-hidden", "true");
      this.grid.prepend(above);
      this.grid.style.setProperty("--above", `${view.tall}px`);
      this.line = new LineMap(above, view, size, handlers);
      this.line.canvas.tabIndex = -1;
    }
  }

  for (const name of ["update", "repaint", "mark", "frame", "clear"])
    FlatMap.prototype[name] = function both(...given) {
      ElementMap.prototype[name].apply(this, given);
      this.line[name](...given);
    };

  const few = (view, size) => view.rows * view.columns <= MOST_ELEMENTS && size >= 6;

  // Draw a map as elements if they are few and large enough, else on a canvas; maps with one axis as lines.
  function drawn(holder, view, size, handlers, asked) {
    const Large = flat ? LineMap : CanvasMap;
    const Small = flat ? FlatMap : ElementMap;
    return new (few(view, size) || asked ? Small : Large)(holder, view, size, handlers);
  }

  return Object.freeze({ MOST_ELEMENTS, TABLES, brief, css, drawn, few, flat, ink, lettersFor, look, make, narrow, rgb, scales, show, spot, words });
})();
