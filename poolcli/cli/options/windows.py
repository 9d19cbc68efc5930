"""The option groups: every option of every command, written down once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import (
    WINDOW,
    fill_names,
    framework_names,
    mode_names,
)

if TYPE_CHECKING:
    from poolcli.steps.steps import PoolStep


class Sizing(Group):
    """Options that are sizes: ``3`` or ``3x2``."""

    def sizes(self, *names: str) -> dict[str, Any]:
        """Return those that were given, as numbers."""
        from poolcli.window import parse_sizes

        given = {name: getattr(self, name) for name in names}
        return {name: parse_sizes(text, name.replace("_", "-")) for name, text in given.items() if text is not None}


class Windowing(Sizing):
    """Which windows, and what to make of them."""

    mode: Annotated[
        str,
        option("-m", "--mode", help="max, min, avg, sum, median ...; poolcli modes lists them.", panel=WINDOW,
               metavar="NAME[:PARAM]", choices=mode_names, free=True),
    ] = "max"  # fmt: skip
    size: Annotated[
        str | None, option("-k", "--size", help="Kernel size in cells, rows first.", panel=WINDOW,
                           default="2", metavar="N|HxW|DxHxW")
    ] = None  # fmt: skip
    stride: Annotated[
        str | None, option("-s", "--stride", help="Cells from window to window.", panel=WINDOW,
                           default="the size", metavar="N|HxW")
    ] = None  # fmt: skip
    padding: Annotated[
        str, option("-p", "--padding", help="valid, same, same-lower, cells, or begin,end per axis: "
                    "top,bottom,left,right.", panel=WINDOW, metavar="P", choices=("valid", "same", "same-lower"),
                    free=True)
    ] = "valid"  # fmt: skip
    pad_fill: Annotated[
        str, option("--pad-fill", help="What padding holds: ignore (it never takes part), a number, reflect "
                    "(c b | a b c), symmetric (b a | a b c), replicate (a a | a b c), wrap (b c | a b c).",
                    panel=WINDOW, metavar="FILL", choices=fill_names, free=True)
    ] = "ignore"  # fmt: skip
    dilation: Annotated[
        str, option("--dilation", help="Cells from cell to cell inside a window.", panel=WINDOW, metavar="N|HxW")
    ] = "1"
    ceil_mode: Annotated[
        bool, option("--ceil-mode/--no-ceil-mode", help="Round the number of windows up; the last must start inside "
                     "the input or the leading padding.", panel=WINDOW)
    ] = False  # fmt: skip
    count_include_pad: Annotated[
        bool | None, option("--count-include-pad/--no-count-include-pad", help="Count padding in the divisor of "
                            "averages.", panel=WINDOW)
    ] = None  # fmt: skip
    global_window: Annotated[bool, option("--global", help="One window over the whole map.", panel=WINDOW)] = False
    output_size: Annotated[
        str | None,
        option("--output-size", help="Adaptive windows: as many as give this output.", panel=WINDOW, metavar="HxW"),
    ] = None
    fractional: Annotated[
        bool, option("--fractional", help="Windows of varying sizes that give --output-size.", panel=WINDOW)
    ] = False
    nan: Annotated[
        str, option("--nan", help="What a NaN does.", panel=WINDOW, choices=("propagate", "ignore", "error"))
    ] = "propagate"
    compat: Annotated[
        str | None, option("--compat", help="Do as torch, keras or onnx does: defaults, quirks, refusals.",
                           panel=WINDOW, metavar="NAME", choices=framework_names)
    ] = None  # fmt: skip
    seed: Annotated[
        int | None,
        option(
            "--seed", help="For stochastic and fractional pooling, to have the same again.", panel=WINDOW, metavar="N"
        ),
    ] = None
    storage_order: Annotated[
        int, option("--storage-order", help="1: --indices count columns first, as ONNX can.", panel=WINDOW,
                    metavar="0|1")
    ] = 0  # fmt: skip

    def step(self, *, indices: bool = False) -> PoolStep:
        """Return the pooling step."""
        from poolcli.steps.steps import PoolStep
        from poolcli.window import parse_padding

        options: Any = {
            name: getattr(self, name)
            for name in ("pad_fill", "ceil_mode", "count_include_pad", "global_window", "fractional", "nan", "compat",
                         "seed", "storage_order")
        }  # fmt: skip
        sizes = self.sizes("size", "stride", "dilation", "output_size")
        size = sizes.pop("size", None)
        options |= {**sizes, "padding": parse_padding(self.padding)}
        return PoolStep(self.mode, size, options, indices)
