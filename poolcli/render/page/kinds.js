// The differences between the three pages: their maps, where these come from, and their texts.
// A side is the map in panel `id`, which a layer makes from the map in panel `from`.

const Kinds = (() => {
  const { flat, make, show } = Maps;

  // The windows of a layer: the input, the output, and the output of another mode.
  function windows({ state, input, inputView, outputView, framed, nameOf, sizes, byId }) {
    function beside() {
      const mode = byId("beside").value;
      if (!mode || DATA.exercise) return [];
      const allowed = Pool.MODES[mode].parameter;
      const parameter = mode === DATA.layer.mode ? DATA.layer.parameter : allowed ? allowed.example : null;
      return [{ id: "other", layer: { ...state.layer, mode, parameter } }];
    }

    const shape = ({ rows, columns }) => sizes([rows, columns]);
    return {
      panels: ["input", "output", "other"],
      inputs: ["input"],
      arrange: framed,
      command: () => "pool",
      start() {},
      told() {},
      sides: () => [{ id: "output", layer: state.layer }, ...beside()].map((side) => ({
        ...side, from: "input", map: input(), pooled: Pool.pool(input(), side.layer),
      })),
      extent: (sides) => sides[0].pooled,
      shown: () => [
        { id: "input", title: `Input, ${shape(DATA)}`, values: input().values,
          view: (scale) => inputView(input(), [state.pooled.axes], scale) },
        ...state.sides.map(({ id, layer, pooled }, k) => ({
          id, title: `${k ? "For comparison" : "Output"}: ${nameOf(layer)}, ${shape(pooled)}`, values: pooled.values,
          view: (scale) => outputView(pooled, scale, nameOf(layer)),
        })),
      ],
    };
  }

  // The input and the moved input, both pooled, and the changes.
  function shift({ state, input, inputView, outputView, plainView, sizes, byId, choices, change }) {
    const WAYS = flat ? { left: [0, -1], right: [0, 1] } : { up: [-1, 0], down: [1, 0], left: [0, -1], right: [0, 1] };
    const ways = DATA.moves ? Object.fromEntries(DATA.moves) : WAYS;
    const start = JSON.stringify([DATA.layer, DATA.edge]);
    const chosen = { way: DATA.way, by: DATA.by, edge: DATA.edge };
    const move = () => ways[chosen.way].map((step) => (DATA.moves ? step : step * chosen.by));
    const moved = (plane) => Pool.moved(input(plane), move(), chosen.edge);
    const apart = (one, other) => one.values.map((value, k) =>
      (value === other.values[k] || (Number.isNaN(value) && Number.isNaN(other.values[k])) ? 0 : Math.abs(value - other.values[k])));

    // The number of values that differ by more than rounding, or at all for integers.
    function changes(one, other) {
      const differ = (a, b) => {
        if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return false;
        if (DATA.rounding[0] === 0 && Number.isInteger(a) && Number.isInteger(b)) return true;
        const size = Math.max(Math.abs(a), Math.abs(b));
        return !(Math.abs(a - b) <= DATA.rounding[1] * (Number.isFinite(size) ? size : 0));
      };
      return one.values.reduce((count, value, k) => count + Number(differ(value, other.values[k])), 0);
    }

    function counted() {
      const sum = { before: 0, cells: 0, after: 0, outputs: 0 };
      DATA.planes.forEach((_, plane) => {
        const [one, other] = [input(plane), moved(plane)];
        const [first, second] = [Pool.pool(one, state.layer), Pool.pool(other, state.layer)];
        sum.before += changes(one, other);
        sum.cells += one.values.length;
        sum.after += changes(first, second);
        sum.outputs += first.values.length;
      });
      return sum;
    }

    const narrow = () => window.innerWidth < 640;
    const way = () => (DATA.moves ? chosen.way : `${chosen.way} by ${chosen.by}`);
    return {
      panels: ["input", "moved", "before", "output", "again", "after"],
      inputs: ["input", "moved", "before"],
      least: 0.8, // of the window's height for two rows of maps: the page scrolls anyway
      counts: () => (narrow() ? [2] : [3]),
      command: () => `shift --by ${chosen.by}${typeof chosen.edge === "string" ? ` --edge ${chosen.edge}` : ""}`,
      start() {
        const longest = Math.max(DATA.rows, DATA.columns);
        choices("way", Object.keys(ways).map((name) => [name, name]), chosen.way);
        byId("by").parentElement.hidden = Boolean(DATA.moves);
        Object.assign(byId("by"), { value: chosen.by, max: longest - 1 });
        const edges = ["replicate", "reflect", "symmetric", "wrap", typeof chosen.edge === "number" ? chosen.edge : 0];
        choices("edge", edges.map((name) => [name, typeof name === "number" ? `the number ${name}` : name]), chosen.edge);
        byId("way").addEventListener("change", (event) => { chosen.way = event.target.value; change(); });
        byId("edge").addEventListener("change", (event) => {
          const number = Number(event.target.value);
          chosen.edge = Number.isNaN(number) ? event.target.value : number;
          change();
        });
        byId("by").addEventListener("input", (event) => { chosen.by = event.target.value === "" ? NaN : Number(event.target.value); change(); });
      },
      sides() {
        const longest = Math.max(DATA.rows, DATA.columns);
        if (!DATA.moves && !(Number.isInteger(chosen.by) && chosen.by >= 1 && chosen.by < longest))
          throw new Pool.PoolError(`the input can be moved by 1 to ${longest - 1} cells`);
        const maps = { input: input(), moved: moved() };
        return [["output", "input", "as it is"], ["again", "moved", "moved"]].map(([id, from, called]) => ({
          id, from, called, layer: state.layer, map: maps[from], pooled: Pool.pool(maps[from], state.layer),
        }));
      },
      extent: (sides) => sides[0].pooled,
      told() {
        const { before, cells, after, outputs } = counted();
        byId("counts").textContent =
          `Moved ${way()}: ${before} of ${cells} values change before pooling, ${after} of ${outputs} after it.`;
        byId("measured").textContent = JSON.stringify([state.layer, chosen.edge]) === start ? DATA.verdict : "";
      },
      shown() {
        const [one, other] = state.sides;
        const [before, after] = [apart(one.map, other.map), apart(one.pooled, other.pooled)];
        const { axes } = state.pooled;
        const shape = sizes([state.pooled.rows, state.pooled.columns]);
        const all = [
          { id: "input", title: `Input, ${sizes([DATA.rows, DATA.columns])}`, values: one.map.values, view: (scale) => inputView(one.map, [axes], scale) },
          { id: "moved", title: `Moved ${way()}`, values: other.map.values, view: (scale) => inputView(other.map, [axes], scale, "Moved input") },
          { id: "before", title: "Change of the input", values: before, apart: true,
            view: (scale) => plainView({ ...one.map, values: before }, scale, "Change of the input") },
          { id: "output", title: `Pooled, ${shape}`, values: one.pooled.values, view: (scale) => outputView(one.pooled, scale, "Pooled") },
          { id: "again", title: `Moved and pooled, ${shape}`, values: other.pooled.values, view: (scale) => outputView(other.pooled, scale, "Moved and pooled") },
          { id: "after", title: "Change after pooling", values: after, apart: true,
            view: (scale) => plainView({ ...one.pooled, values: after }, scale, "Change after pooling") },
        ];
        // with two side by side: a map and its pooled map
        return narrow() ? [0, 3, 1, 4, 2, 5].map((k) => all[k]) : all;
      },
    };
  }

  // The input, and each side of a comparison as computed by poolcli.
  function comparison({ state, input, numbers, inputView, plainView, sizes, byId }) {
    const answered = DATA.sides.filter((side) => side.values);
    const flags = new Map();

    function view(side, pooled, scale) {
      const marks = DATA.marked ? flags.get(side)[state.plane] : null;
      const cell = (row, column) => {
        const index = row * pooled.columns + column;
        return { kind: "real", value: pooled.values[index], ...(marks ? { differs: marks[index] === 1 } : {}) };
      };
      return plainView(pooled, scale, side.label, cell);
    }

    function title(side) {
      const count = DATA.marked ? flags.get(side).flat().filter(Boolean).length : 0;
      return `${side.label}, ${sizes([side.rows, side.columns])}${count ? `: ${count} differ` : ""}`;
    }

    const made = answered.map((side, k) => ({ side, id: `side-${k}`, planes: side.values.map(numbers) }));
    for (const { side } of made) flags.set(side, side.marks);
    return {
      panels: ["input", ...made.map(({ id }) => id)],
      inputs: ["input"],
      counts: (count) => Array.from({ length: count }, (_, k) => k + 1),
      start() {
        byId("reasons").append(...DATA.reasons.map((reason) => make("li", "", reason)));
        byId("says").textContent = DATA.says;
        if (!made.some(({ side }) => DATA.marked && side.marks.flat().includes(1))) return;
        byId("differing").hidden = false;
        byId("differing").textContent = "A star, or a colour that is not faint, marks what differs from the first.";
      },
      told() {},
      sides: () => made.map(({ side, id, planes }) => ({
        id, from: "input", called: side.label, layer: side.layer, map: input(),
        pooled: { axes: side.axes, rows: side.rows, columns: side.columns, values: planes[state.plane], given: true },
      })),
      extent: (sides) => ({
        rows: Math.max(...sides.map(({ pooled }) => pooled.rows)), columns: Math.max(...sides.map(({ pooled }) => pooled.columns)), values: [],
      }),
      shown: () => [
        { id: "input", title: `Input, ${sizes([DATA.rows, DATA.columns])}`, values: input().values,
          view: (scale) => inputView(input(), state.sides.map(({ pooled }) => pooled.axes), scale) },
        ...state.sides.map(({ id, pooled }, k) => ({
          id, title: title(answered[k]), values: pooled.values, view: (scale) => view(answered[k], pooled, scale),
        })),
      ],
    };
  }

  return Object.freeze({ windows, shift, comparison });
})();
