"""The option groups: every option of every command, written down once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poolcli.cli.options.grammar import Group, option
from poolcli.errors import UsageError

if TYPE_CHECKING:
    from poolcli.featuremap import FeatureMap
    from poolcli.formats import ReadOptions, WriteOptions
    from poolcli.steps.steps import ConvStep, PoolStep, Step

INPUT, WINDOW, OUTPUT, TABLE, PICTURE = "Input", "Window", "Output", "Tables", "Pictures out"

GLOBALS = ("global-max", "global-avg")  # what is offered; every mode may have global- before it


def mode_names() -> Iterable[str]:
    """Return the modes as a user may type them."""
    from poolcli.pooling.modes import ALIASES, MODES

    own = (f"{mode.name}:{mode.parameter.example:g}" if mode.parameter else mode.name for mode in MODES.values())
    return [*own, *ALIASES, *GLOBALS]


def filter_names() -> Iterable[str]:
    """Return the named filters."""
    from poolcli.pooling.filters import FILTERS

    return FILTERS


def formats_read() -> Iterable[str]:
    """Return the formats that can be read."""
    from poolcli.formats import FORMATS

    return [row.name for row in FORMATS.values() if row.reads]


def formats_written() -> Iterable[str]:
    """Return the formats that can be written, and ``table``."""
    from poolcli.formats import FORMATS

    return ["table", *(row.name for row in FORMATS.values() if row.writes)]


def colormap_names() -> Iterable[str]:
    """Return the colour maps."""
    from poolcli.colors import COLORMAPS

    return list(COLORMAPS)


def framework_names() -> Iterable[str]:
    """Return the frameworks of ``--compat``."""
    from poolcli.pooling.frameworks import FRAMEWORKS

    return FRAMEWORKS


def emit_targets() -> Iterable[str]:
    """Return what ``--emit`` writes code for."""
    from poolcli.emit import TARGETS

    return TARGETS


def fill_names() -> Iterable[str]:
    """Return the named pad fills."""
    from poolcli.window import PAD_FILLS

    return PAD_FILLS


Input = Annotated[
    str | None,
    typer.Argument(
        metavar="INPUT", help="A file, or - for standard input; standard input if missing.", show_default=False
    ),
]

AsJson = Annotated[bool, option("--json", help="As JSON.", panel=OUTPUT)]


class Reading(Group):
    """How to read the input."""

    input_format: Annotated[
        str | None,
        option("--input-format", help="csv, json, npy, png ...; found out from the data if missing.", panel=INPUT,
               metavar="NAME", choices=formats_read, free=True),
    ] = None  # fmt: skip
    layout: Annotated[
        str | None,
        option("--layout", help="The axes in the input's order: HW, CHW, NHWC, NCL, NCDHW ...; by their number if "
               "missing.", panel=INPUT, metavar="LETTERS",
               choices=("HW", "CHW", "HWC", "NCHW", "NHWC", "L", "CL", "NCL", "NLC", "DHW", "NCDHW"), free=True),
    ] = None  # fmt: skip
    delimiter: Annotated[
        str,
        option(
            "--delimiter",
            help="What stands between the values of CSV.",
            panel=INPUT,
            choices=("auto", ",", ";", "tab", "blanks"),
        ),
    ] = "auto"
    decimal: Annotated[
        str, option("--decimal", help="The decimal mark of CSV: . or ,", panel=INPUT, choices=(".", ","))
    ] = "."
    header: Annotated[
        str, option("--header", help="Whether the first row of CSV is a header.", panel=INPUT,
                    choices=("auto", "yes", "no"))
    ] = "auto"  # fmt: skip
    channels: Annotated[
        str, option("--channels", help="Read pictures as gray, or every colour by itself.", panel=INPUT,
                    choices=("gray", "rgb"))
    ] = "gray"  # fmt: skip
    frame: Annotated[
        int, option("--frame", help="Which frame of a moving picture, from 0.", panel=INPUT, metavar="N")
    ] = 0
    max_pixels: Annotated[
        int | None, option("--max-pixels", help="The largest picture to open.", panel=INPUT, metavar="N")
    ] = None

    def options(self, compat: str | None = None) -> ReadOptions:
        """Return them as the readers take them."""
        from poolcli.formats import ReadOptions, find_format

        values = dict(self.__dict__)
        if self.input_format:
            values["input_format"] = find_format(self.input_format).name
        return ReadOptions(channels_last=_channels_last(compat), **values)


def _channels_last(compat: str | None) -> bool:
    if compat is None:  # then the kernels need not be imported yet
        return False
    from poolcli.pooling.layer import framework_of

    framework = framework_of(compat)
    return bool(framework and framework.channels_last)


class Front(Group):
    """What comes before pooling."""

    filter: Annotated[
        str | None,
        option("--filter", help="First convolve with a named filter, a kernel file, or JSON such as '[[1,2],[3,4]]'.",
               panel="Before pooling", metavar="NAME|FILE|JSON", choices=filter_names, free=True),
    ] = None  # fmt: skip
    filter_padding: Annotated[
        str, option("--filter-padding", help="As --padding, but for the filter, and with zeros.",
                    panel="Before pooling", metavar="P")
    ] = "valid"  # fmt: skip
    bias: Annotated[
        float, option("--bias", help="Added to every filtered value.", panel="Before pooling", metavar="X")
    ] = 0.0
    relu: Annotated[
        bool, option("--relu/--no-relu", help="Replace negative values with zero.", panel="Before pooling")
    ] = False

    def steps(self) -> list[Step]:
        """Return the steps before pooling."""
        from poolcli.steps.steps import ReluStep
        from poolcli.window import parse_padding

        if self.filter is None and (self.bias or self.filter_padding != "valid"):
            raise UsageError("--bias and --filter-padding belong to a filter", "add --filter NAME")
        filtering: list[Step] = []
        if self.filter is not None:
            filtering.append(kernel_step(self.filter, padding=parse_padding(self.filter_padding), bias=self.bias))
        return [*filtering, *([ReluStep()] if self.relu else [])]


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


class Convolving(Sizing):
    """A convolution."""

    kernel: Annotated[
        str | None,
        option("--filter", help="A named filter (poolcli filters lists them), a kernel file, or JSON.", panel=WINDOW,
               metavar="NAME|FILE|JSON", choices=filter_names, free=True),
    ] = None  # fmt: skip
    stride: Annotated[
        str, option("-s", "--stride", help="Cells from window to window.", panel=WINDOW, metavar="N|HxW")
    ] = "1"
    padding: Annotated[
        str, option("-p", "--padding", help="valid, same, same-lower, cells, or top,bottom,left,right; of zeros.",
                    panel=WINDOW, metavar="P", choices=("valid", "same", "same-lower"), free=True)
    ] = "valid"  # fmt: skip
    dilation: Annotated[
        str, option("--dilation", help="Cells from cell to cell inside a window.", panel=WINDOW, metavar="N|HxW")
    ] = "1"
    bias: Annotated[float, option("--bias", help="Added to every value.", panel=WINDOW, metavar="X")] = 0.0
    relu: Annotated[bool, option("--relu/--no-relu", help="Then replace negative values with zero.", panel=WINDOW)] = (
        False
    )

    def steps(self) -> list[Step]:
        """Return the convolution, and the ReLU if asked for."""
        if self.kernel is None:
            raise UsageError("conv needs a filter", "add --filter NAME; poolcli filters lists the names")
        return [kernel_step(self.kernel, bias=self.bias, **self.window()), *self.activation()]

    def window(self) -> dict[str, Any]:
        """Return where the kernel is laid."""
        from poolcli.window import parse_padding

        return {**self.sizes("stride", "dilation"), "padding": parse_padding(self.padding)}

    def activation(self) -> list[Step]:
        """Return the ReLU, if asked for."""
        from poolcli.steps.steps import ReluStep

        return [ReluStep(own=False)] if self.relu else []


class Replaying(Group):
    """Steps from a file."""

    steps: Annotated[
        str | None, option("--steps", help="Replay the steps of a recipe or of any poolcli JSON.", panel="Steps",
                           metavar="FILE")
    ] = None  # fmt: skip
    settings: Annotated[
        list[str] | None, option("--set", help="Change an option of --steps, such as 2.size=3x3 or pool.mode=avg; may "
                                 "be repeated.", panel="Steps", metavar="STAGE.OPTION=VALUE")
    ] = None  # fmt: skip

    def replayed(self) -> list[Step]:
        """Return the steps of the file, changed as asked for; none without a file."""
        from poolcli.steps.recipe import load

        if self.steps is None:
            if self.settings:
                raise UsageError("--set changes a recipe, but there is none", "add --steps recipe.json")
            return []
        return load(self.steps, self.settings or ())


class Undoing(Sizing):
    """What unpooling has to know where the input does not say it."""

    size: Annotated[
        str | None, option("-k", "--size", help="Kernel size of the pooling.", panel=WINDOW, metavar="N|HxW")
    ] = None
    stride: Annotated[
        str | None, option("-s", "--stride", help="Stride of the pooling.", panel=WINDOW, metavar="N|HxW")
    ] = None
    padding: Annotated[
        str | None, option("-p", "--padding", help="Padding of the pooling.", panel=WINDOW, metavar="P")
    ] = None
    output_size: Annotated[
        str | None, option("--output-size", help="The shape to restore.", panel=WINDOW, metavar="HxW")
    ] = None
    compat: Annotated[
        str | None, option("--compat", help="Whose indices they are: torch, keras or onnx.", panel=WINDOW,
                           metavar="NAME", choices=framework_names)
    ] = None  # fmt: skip
    storage_order: Annotated[
        int | None, option("--storage-order", help="1: ONNX indices that count columns first.", panel=WINDOW,
                           metavar="0|1")
    ] = None  # fmt: skip

    def steps(self) -> list[Step]:
        """Return the unpooling."""
        from poolcli.steps.steps import UnpoolStep
        from poolcli.window import parse_padding

        known = {
            "compat": self.compat, "storage_order": self.storage_order, **self.sizes("size", "stride", "output_size"),
            "padding": None if self.padding is None else parse_padding(self.padding),
        }  # fmt: skip
        return [UnpoolStep({name: value for name, value in known.items() if value is not None})]


def kernel_step(text: str, **options: Any) -> ConvStep:
    """Return the convolution with a named filter, with the kernel in a file, or with one written as JSON."""
    from poolcli.pooling.filters import find_filter
    from poolcli.steps.steps import ConvStep

    if text.lstrip().startswith("["):
        from poolcli.formats import ReadOptions, decode

        kernel = decode(text.encode(), "the kernel", ReadOptions(input_format="json")).array
    elif "." in text or "/" in text:
        from poolcli.formats import read

        kernel = read(text).array
    else:
        kernel = find_filter(text, note="; a kernel of your own comes from a file or inline JSON").kernel
    return ConvStep(kernel.tolist(), text if not text.lstrip().startswith("[") else "kernel", **options)


class Writing(Group):
    """Where the result goes, and how it looks."""

    output: Annotated[
        str, option("-o", "--output", help="A file, whose extension says the format; - for standard output.",
                    panel=OUTPUT, metavar="PATH")
    ] = "-"  # fmt: skip
    format: Annotated[
        str | None, option("-f", "--format", help="table, json, csv, tsv, npy, png ...", panel=OUTPUT,
                           default="by --output, else table", metavar="NAME", choices=formats_written, free=True)
    ] = None  # fmt: skip
    json: Annotated[bool, option("--json", help="The same as --format json.", panel=OUTPUT)] = False
    overwrite: Annotated[bool, option("--overwrite", help="Allow the output to be the input.", panel=OUTPUT)] = False
    precision: Annotated[
        int, option("--precision", help="Decimals in tables.", least=0, most=17, panel=TABLE, metavar="N")
    ] = 4
    max_rows: Annotated[
        int | None, option("--max-rows", help="Rows to show.", default="40", least=1, panel=TABLE, metavar="N")
    ] = None
    max_cols: Annotated[
        int | None,
        option("--max-cols", help="Columns to show.", default="as many as fit", least=1, panel=TABLE, metavar="N"),
    ] = None
    full: Annotated[bool, option("--full", help="Show every row and column.", panel=TABLE)] = False
    color: Annotated[
        str, option("--color", help="Colour in tables and messages.", panel=TABLE, choices=("auto", "always", "never"))
    ] = "auto"
    normalize: Annotated[
        str, option("--normalize", help="How numbers become gray: auto keeps what came from a picture and stretches "
                    "the rest.", panel=PICTURE, choices=("auto", "clip", "minmax"))
    ] = "auto"  # fmt: skip
    zoom: Annotated[int, option("--zoom", help="Pixels per cell, each way.", least=1, panel=PICTURE, metavar="N")] = 1
    colormap: Annotated[
        str | None, option("--colormap", help="Paint numbers in colour: viridis, magma, gray ...", panel=PICTURE,
                           metavar="NAME", choices=colormap_names)
    ] = None  # fmt: skip
    compress_level: Annotated[
        int | None, option("--compress-level", help="Of PNG, 0 to 9.", least=0, most=9, panel=PICTURE, metavar="N")
    ] = None

    @property
    def chosen_format(self) -> str:
        """The format that was asked for by ``--json``, ``--format`` or the output's extension."""
        from poolcli.formats import format_of_target

        if self.json and self.format not in (None, "json"):
            raise UsageError(f"--json and --format {self.format} do not go together", "drop one of them")
        named = "json" if self.json else self.format
        if named == "table" or (named is None and self.output == "-"):
            return "table"
        return format_of_target(self.output, named, also=["table"]).name

    def options(self) -> WriteOptions:
        """Return them as the writers take them."""
        from poolcli.formats import WriteOptions

        return WriteOptions(self.chosen_format, self.normalize, self.zoom, self.colormap, self.compress_level)


class Showing(Group):
    """Pictures in the terminal."""

    show: Annotated[
        bool, option("--show", help="Draw the maps side by side in the terminal as well.", panel=OUTPUT)
    ] = False

    def draw(self, writing: Writing, feature_maps: Sequence[FeatureMap], titles: Sequence[str]) -> None:
        """Draw maps beside each other on standard output, if asked for."""
        if not self.show:
            return
        if writing.output == "-" and writing.chosen_format != "table":
            raise UsageError(
                f"--show draws on standard output, where the {writing.chosen_format} would go",
                "write the result to a file with -o, or drop --show",
            )
        from poolcli.cli.options.terminal import Picturing
        from poolcli.render.terminal.heatmap import side_by_side

        picturing = Picturing(colormap=writing.colormap or "viridis", color=writing.color, width=None)
        picturing.show(side_by_side(*feature_maps, titles=titles, **picturing.how()))


class Talking(Group):
    """How the work is done, and how much is said of it on standard error."""

    quiet: Annotated[bool, option("-q", "--quiet", help="Say nothing but errors.", panel="Work")] = False
    verbose: Annotated[
        bool, option("-v", "--verbose", help="State every guess: delimiter, header, layout, dtype.", panel="Work")
    ] = False
    threads: Annotated[
        int | None,
        option(
            "--threads",
            help="How many to use for large maps.",
            default="the processors",
            least=1,
            panel="Work",
            metavar="N",
        ),
    ] = None

    def start(self) -> None:
        """Tell the kernels how many threads to use."""
        if self.threads is not None:
            os.environ["POOLCLI_THREADS"] = str(self.threads)


class Street(Group):
    """How a map comes in, how what is made of it goes out, and what is said on the way."""

    reading: Reading
    writing: Writing
    talking: Talking


class Scaling(Group):
    """Who works on arrays larger than memory."""

    scheduler: Annotated[
        str | None, option("--scheduler", help="Let the workers of a Dask scheduler do the blocks of a Zarr array, "
                           "such as tcp://host:8786.", panel="Work", metavar="ADDRESS")
    ] = None  # fmt: skip
