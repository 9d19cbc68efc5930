"use strict";
// Pooling as in poolcli: windows in whole numbers, then one function per mode. Nothing here touches the page.
// A map is {rows, columns, values}; a layer is the object from `layer_data`. Numbers are doubles.

const Pool = (() => {
  const MOST_READS = 3e7; // most window cells read for one output: about a second
  const MOST_TERMS = 12; // numbers written out in a formula

  class PoolError extends Error {}

  // --- windows: one axis is {length, starts, stops, dilation, before, after} -----------------------------------------

  const times = (sizes) => sizes.join("x");
  const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

  function pads(length, layer, k) {
    if (Array.isArray(layer.padding)) return layer.padding[k];
    if (layer.padding === "valid") return [0, 0];
    const size = layer.size[k];
    const reach = layer.same_ignores_dilation ? size : (size - 1) * layer.dilation[k] + 1;
    const total = Math.max((Math.ceil(length / layer.stride[k]) - 1) * layer.stride[k] + reach - length, 0);
    const small = Math.floor(total / 2);
    return layer.padding === "same" ? [small, total - small] : [total - small, small];
  }

  function sliding(length, layer, k) {
    const [before, after] = pads(length, layer, k);
    const [stride, dilation] = [layer.stride[k], layer.dilation[k]];
    const reach = (layer.size[k] - 1) * dilation + 1;
    const steps = (length + before + after - reach) / stride;
    let number = (layer.ceil_mode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // the last window must start inside the input or the leading padding
    if (layer.ceil_mode && (number - 1) * stride >= length + before) number -= 1;
    const starts = Array.from({ length: Math.max(number, 0) }, (_, i) => i * stride - before);
    return { length, starts, stops: starts.map((start) => start + reach), dilation, before, after };
  }

  function spread(length, bounds) {
    const [starts, stops] = bounds;
    return { length, starts, stops, dilation: 1, before: 0, after: 0 };
  }

  function adaptive(length, layer, k) {
    const number = layer.output_size[k];
    const index = Array.from({ length: number }, (_, i) => i);
    return spread(length, [
      index.map((i) => Math.floor((i * length) / number)),
      index.map((i) => Math.ceil(((i + 1) * length) / number)),
    ]);
  }

  const KINDS = {
    sliding,
    adaptive,
    global: (length) => spread(length, [[0], [length]]),
    given: (length, layer, k) => spread(length, layer.given[k]),
  };

  const taps = (axis, i) => Math.ceil((axis.stops[i] - axis.starts[i]) / axis.dilation);
  const place = (axis, i, tap) => axis.starts[i] + tap * axis.dilation;
  const kindOn = (axis, at) =>
    at >= 0 && at < axis.length ? "real" : at < axis.length + axis.after ? "padding" : "overhang";

  function checkLayer(layer) {
    for (const name of ["size", "stride", "dilation", "output_size"]) {
      const used = name === "output_size" ? layer.kind === "adaptive" : layer.kind === "sliding";
      if (used && !layer[name].every((number) => Number.isInteger(number) && number >= 1))
        throw new PoolError(`${name.replace("_", " ")} must be whole numbers of 1 or more`);
    }
    const padding = Array.isArray(layer.padding) ? layer.padding.flat() : [];
    if (layer.kind === "sliding" && !padding.every((number) => Number.isInteger(number) && number >= 0))
      throw new PoolError("padding must be whole numbers of 0 or more");
    const allowed = MODES[layer.mode].parameter;
    const p = layer.parameter;
    if (allowed && !(p >= allowed.low && p <= allowed.high && (p > allowed.low || allowed.closed)))
      throw new PoolError(`${allowed.letter}, the ${allowed.meaning}, must lie in ${allowed.low} to ${allowed.high}`);
  }

  function plan(layer, lengths) {
    checkLayer(layer);
    const axes = lengths.map((length, k) => KINDS[layer.kind](length, layer, k));
    if (axes.some((axis) => axis.starts.length === 0)) {
      const roomy = axes.map((axis) => axis.length + axis.before + axis.after);
      const padded = times(roomy) === times(lengths) ? "" : ` (padded ${times(roomy)})`;
      throw new PoolError(`window ${times(layer.size)} is larger than the input ${times(lengths)}${padded}`);
    }
    return axes;
  }

  // --- values --------------------------------------------------------------------------------------------------------

  const mod = (a, b) => ((a % b) + b) % b;
  const FILLED_FROM = {
    replicate: (at, length) => Math.min(Math.max(at, 0), length - 1),
    wrap: mod,
    symmetric: (at, length) => Math.min(mod(at, 2 * length), 2 * length - 1 - mod(at, 2 * length)),
    reflect: (at, length) => {
      const turn = Math.max(2 * length - 2, 1);
      return Math.min(mod(at, turn), mod(-at, turn));
    },
  };

  // Every cell of a window as {row, column, kind, value}; value is undefined if the cell does not count.
  function cells(map, layer, axes, i, j) {
    const made = [];
    const [down, across] = axes;
    for (let a = 0; a < taps(down, i); a += 1) {
      for (let b = 0; b < taps(across, j); b += 1) {
        const [row, column] = [place(down, i, a), place(across, j, b)];
        const kinds = [kindOn(down, row), kindOn(across, column)];
        const kind = ["overhang", "padding", "real"].find((name) => kinds.includes(name));
        made.push({ row, column, kind, value: valueAt(map, layer, row, column, kind), from: sourceOf(map, layer, row, column, kind) });
      }
    }
    return made;
  }

  // The source of a cell's value: itself, or the cell that padding copies; none for a number or nothing.
  function sourceOf(map, layer, row, column, kind) {
    if (kind === "real") return [row, column];
    const rule = kind === "overhang" ? undefined : FILLED_FROM[layer.pad_fill];
    return rule && [rule(row, map.rows), rule(column, map.columns)];
  }

  function valueAt(map, layer, row, column, kind) {
    const from = sourceOf(map, layer, row, column, kind);
    if (from) return map.values[from[0] * map.columns + from[1]];
    return kind === "overhang" || layer.pad_fill === "ignore" ? undefined : layer.pad_fill;
  }

  // The map moved down and to the right; the edge is filled like padding.
  function moved(map, [down, across], edge) {
    const at = (row, column) => {
      const inside = row >= 0 && row < map.rows && column >= 0 && column < map.columns;
      return valueAt(map, { pad_fill: edge }, row, column, inside ? "real" : "padding");
    };
    const values = Float64Array.from(map.values, (_, index) =>
      at(Math.floor(index / map.columns) - down, (index % map.columns) - across));
    return { ...map, values };
  }

  // The cells of an axis that a window reads, -1 for the fill number, and the number of cells that are not overhang.
  function source(axis, layer, i) {
    const rule = FILLED_FROM[layer.pad_fill];
    const from = [];
    let inside = 0;
    for (let tap = 0; tap < taps(axis, i); tap += 1) {
      const at = place(axis, i, tap);
      const kind = kindOn(axis, at);
      if (kind !== "overhang") inside += 1;
      if (kind === "real") from.push(at);
      else if (kind === "padding" && layer.pad_fill !== "ignore") from.push(rule ? rule(at, axis.length) : -1);
    }
    return { from, inside };
  }

  // The values of a window, and the divisor of a mean.
  function taking(map, layer, down, across) {
    let x = [];
    for (const row of down.from)
      for (const column of across.from)
        x.push(row < 0 || column < 0 ? layer.pad_fill : map.values[row * map.columns + column]);
    let n = layer.count_include_pad && MODES[layer.mode].divides ? down.inside * across.inside : x.length;
    if (layer.nan === "ignore" && anyNaN(x)) {
      const numbers = x.filter((value) => !Number.isNaN(value));
      n -= x.length - numbers.length;
      x = numbers;
    }
    return { x, n };
  }

  const quirkOf = (layer) => (layer.quirks && layer.quirks[layer.mode]) || layer.mode;

  function reduce(layer, x, n) {
    if (x.length === 0) return NaN;
    const quirk = QUIRKS[quirkOf(layer)];
    return quirk ? quirk.reduce(x, n, layer) : MODES[layer.mode].reduce(x, n, layer.parameter);
  }

  function checkEmpty(down, across) {
    const full = (windows) => windows.filter((window) => window.from.length > 0).length;
    const total = down.length * across.length;
    const empty = total - full(down) * full(across);
    if (empty) throw new PoolError(`${empty} of ${total} windows hold no real cell: use less padding`);
  }

  // Pool a map; returns {axes, rows, columns, values} or throws PoolError.
  function pool(map, layer) {
    const axes = plan(layer, [map.rows, map.columns]);
    const [rows, columns] = axes.map((axis) => axis.starts.length);
    const reads = axes.map((axis) => sum(axis.starts.map((_, i) => taps(axis, i)))).reduce((a, b) => a * b);
    if (reads > MOST_READS)
      throw new PoolError(`${rows * columns} windows with ${reads} cells are too many for a page: run poolcli pool`);
    const [down, across] = axes.map((axis) => axis.starts.map((_, i) => source(axis, layer, i)));
    checkEmpty(down, across);
    const values = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < columns; j += 1) {
        const { x, n } = taking(map, layer, down[i], across[j]);
        values[i * columns + j] = reduce(layer, x, n);
      }
    }
    return { axes, rows, columns, values };
  }

  // --- modes ---------------------------------------------------------------------------------------------------------

  const anyNaN = (x) => x.some(Number.isNaN);
  const most = (x) => (anyNaN(x) ? NaN : x.reduce((a, b) => (b > a ? b : a)));
  const least = (x) => (anyNaN(x) ? NaN : x.reduce((a, b) => (b < a ? b : a)));
  const ranked = (x) => [...x].sort((a, b) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b || 0));
  // -Infinity - -Infinity is NaN and would end the sort's order: || 0 calls them equal

  function between(rows, at) {
    const [a, b] = [rows[Math.floor(at)], rows[Math.ceil(at)]];
    const share = at - Math.floor(at);
    return a === b || share === 0 ? a : a * (1 - share) + b * share;
  }

  const quantile = (x, share) => (anyNaN(x) ? NaN : between(ranked(x), (x.length - 1) * share));

  function majority(x) {
    if (anyNaN(x)) return NaN;
    const seen = new Map();
    for (const value of x) seen.set(value, (seen.get(value) || 0) + 1);
    let best = x[0];
    for (const [value, count] of seen) if (count > seen.get(best)) best = value;
    return best;
  }

  // A power of two that keeps powers of the largest number from overflowing or vanishing; 1 if there is no danger.
  function scale(x, p) {
    const top = x.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
    const grown = top ** p;
    return top === 0 || (grown < 1e250 && grown > 1e-250) ? 1 : 2 ** -Math.max(Math.min(Math.round(Math.log2(top)), 1000), -1000);
  }

  // The variance of s * x, for an s that keeps its squares in range.
  function scaledVariance(x, n) {
    const s = scale(x, 2);
    const scaled = x.map((value) => value * s);
    const mean = sum(scaled) / x.length;
    return [sum(scaled.map((value) => (value - mean) ** 2)) / n, s];
  }

  function variance(x, n) {
    const [scaled, s] = scaledVariance(x, n);
    return scaled / s / s;
  }

  function deviation(x, n) {
    const [scaled, s] = scaledVariance(x, n);
    return Math.sqrt(scaled) / s;
  }

  function rootMeanSquare(x, n) {
    const s = scale(x, 2);
    return Math.sqrt(sum(x.map((value) => (value * s) ** 2)) / n) / s;
  }

  function norm(x, p) {
    if (p === Infinity) return most(x.map(Math.abs));
    const s = scale(x, p);
    return sum(x.map((value) => Math.abs(value * s) ** p)) ** (1 / p) / s;
  }

  function shifted(x) {
    const top = most(x);
    return [top, Number.isFinite(top) ? x.map((value) => Math.exp(value - top)) : []];
  }

  function logavgexp(x, n, r) {
    const [top, powers] = shifted(x.map((value) => value * r));
    return (powers.length ? top + Math.log(sum(powers)) - Math.log(n) : top) / r;
  }

  function soft(x) {
    const [top, powers] = shifted(x);
    if (!powers.length) return top;
    return sum(x.map((value, i) => (powers[i] ? value * powers[i] : 0))) / sum(powers);
  }

  // A row for each mode, from poolcli/pooling/modes.py: label, says, written, winners, divides, parameter, reduce.
  const MODES = {
@modes@
  };

  // The frameworks' versions of modes, by the `page` of the mode's row.
  const instead = (x, value) => x.map((cell) => (Number.isNaN(cell) ? value : cell));
  const QUIRKS = {
    "torch-lp": {
      reduce: (x, n, layer) => {
        const p = layer.parameter;
        return ((sum(x.map((value) => value ** p)) / n) * layer.size[0] * layer.size[1]) ** (1 / p);
      },
    },
    "torch-avg": {
      reduce: (x, n) => Math.trunc(sum(x) / n),
    },
    "onnx-max": { reduce: (x, n, layer) => most(instead(x, -layer.largest)) },
    "onnx-min": { reduce: (x, n, layer) => least(instead(x, layer.largest)) },
    "onnx-first-max": { reduce: (x) => (Number.isNaN(x[0]) ? NaN : most(instead(x, -Infinity))) },
    "onnx-first-min": { reduce: (x) => (Number.isNaN(x[0]) ? NaN : least(instead(x, Infinity))) },
  };

  // --- text ----------------------------------------------------------------------------------------------------------

  // Integers in full, other numbers with significant digits like C's %g.
  function number(value, digits = 6) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value + 0).replace(/^-0$/, "0");
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    const power = Number(exponent);
    const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (power >= -4 && power < digits) return trim(value.toFixed(digits - 1 - power));
    return `${trim(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }

  const bracketed = (text) => (text.startsWith("-") ? `(${text})` : text);

  class Terms {
    constructor(x, n, layer, result) {
      Object.assign(this, { x, n, layer, result, p: layer.parameter === null ? "" : number(layer.parameter) });
    }

    get sorted() {
      return ranked(this.x);
    }

    // Every value in a template: [] as it is, () in brackets if it is negative; long lists are elided.
    listed(template, x = this.x) {
      const write = (value) => template.replaceAll("()", bracketed(number(value))).replaceAll("[]", number(value));
      if (x.length <= MOST_TERMS) return x.map(write);
      return [...x.slice(0, MOST_TERMS - 2).map(write), "...", write(x[x.length - 1])];
    }

    commas(x = this.x) {
      return this.listed("[]", x).join(", ");
    }

    plus(template = "[]") {
      return this.listed(template).join(" + ").replaceAll("+ -", "- ");
    }
  }

  function middleText({ sorted, x }) {
    const half = Math.floor(x.length / 2);
    if (x.length % 2 || anyNaN(x)) return ""; // of an odd count it is the result
    return `: (${number(sorted[half - 1])} + ${bracketed(number(sorted[half]))}) / 2`;
  }

  const placeOf = (terms) => ((terms.x.length - 1) * terms.layer.parameter) / 100;

  function betweenText(terms) {
    const [sorted, at] = [terms.sorted, placeOf(terms)];
    const [low, high] = [number(sorted[Math.floor(at)]), number(sorted[Math.ceil(at)])];
    const share = number(at - Math.floor(at));
    return share === "0" ? "" : `: ${low} + ${share} * (${bracketed(high)} - ${bracketed(low)})`;
  }

  function extremesText(terms) {
    if (anyNaN(terms.x)) return `max(${terms.commas()}) - min(${terms.commas()})`;
    return `${number(most(terms.x))} - ${bracketed(number(least(terms.x)))}`;
  }

  // The pieces in braces of a formula, as in poolcli/analysis/formulas.py.
  const PIECES = {
    ",": (terms) => terms.commas(),
    all: (terms) => terms.commas(),
    n: (terms) => terms.n,
    taps: ({ layer }) => layer.size[0] * layer.size[1],
    rest: ({ layer }) => number(1 - layer.parameter),
    result: ({ result }) => number(result),
    mean: ({ x }) => number(sum(x) / x.length),
    ranked: (terms) => terms.commas(terms.sorted),
    middle: middleText,
    place: (terms) => number(placeOf(terms)),
    between: betweenText,
    seen: ({ x, result }) => x.filter((value) => Object.is(value + 0, result + 0)).length,
    extremes: extremesText,
  };

  function written(terms) {
    const text = terms.layer.written[terms.layer.mode].replaceAll("{p}", terms.p);
    return text.replace(/\{([^{}]+)\}/g, (_, name) =>
      name.startsWith("+") ? terms.plus(name.slice(1) || "[]") : name in PIECES ? PIECES[name](terms) : _);
  }

  // The cells that give the result, as indices into the values.
  function first(x, result) {
    const index = x.indexOf(result);
    return index >= 0 ? [index] : Number.isNaN(result) && anyNaN(x) ? [x.findIndex(Number.isNaN)] : [];
  }

  function order(x) {
    return x.map((_, i) => i).sort((a, b) => x[a] - x[b] || a - b);
  }

  function around(x, at) {
    const places = order(x);
    return [...new Set([places[Math.floor(at)], places[Math.ceil(at)]])];
  }

  const WINNERS = {
    first,
    middle: (x, result) => (x.length % 2 || anyNaN(x) ? first(x, result) : around(x, (x.length - 1) / 2)),
    between: (x, result, q) => (anyNaN(x) ? first(x, result) : around(x, ((x.length - 1) * q) / 100).sort((a, b) => a - b)),
    extremes: (x) => (anyNaN(x) ? [] : [x.indexOf(most(x)), x.indexOf(least(x))]),
  };

  // All facts about one window.
  function explain(map, layer, axes, i, j) {
    const all = cells(map, layer, axes, i, j);
    const part = all.filter((cell) => cell.value !== undefined && !(layer.nan === "ignore" && Number.isNaN(cell.value)));
    const [down, across] = axes.map((axis, k) => source(axis, layer, k ? j : i));
    const { x, n } = taking(map, layer, down, across);
    const result = reduce(layer, x, n);
    const terms = new Terms(x, n, layer, result);
    const pick = WINNERS[MODES[layer.mode].winners];
    const winners = pick && x.length ? pick(x, result, layer.parameter).map((index) => part[index]) : [];
    const formula = x.length ? written(terms) : "no number in the window";
    return { cells: all, n, result, formula, winners, padding: all.filter((cell) => cell.kind === "padding").length };
  }

  // The windows along one axis that cover a cell.
  function seeing(axis, at) {
    const found = [];
    axis.starts.forEach((start, i) => {
      if (at >= start && at < axis.stops[i] && (at - start) % axis.dilation === 0) found.push(i);
    });
    return found;
  }

  return Object.freeze({ MODES, PoolError, cells, explain, moved, number, plan, pool, seeing, sourceOf, taps, place, times, valueAt });
})();
