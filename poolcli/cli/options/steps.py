"""Options of the steps other than pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import WINDOW
from poolcli.cli.options.windows import Sizing
from poolcli.errors import UsageError
from poolcli.formats import decode, read
from poolcli.formats.options import ReadOptions
from poolcli.pooling.filters import FILTERS, find_filter
from poolcli.pooling.frameworks import framework_names
from poolcli.steps.steps import ConvStep, ReluStep, Step, UnpoolStep
from poolcli.window import parse_padding
from poolcli.wording import as_utf8

if TYPE_CHECKING:
    from poolcli.cli.output import Output


class FilterOptions(Group, panel="Before pooling"):
    """Steps before pooling."""

    filter: str | None = option(
        None, "First convolve with a named filter, a kernel file, or JSON such as '[[1,2],[3,4]]'.",
        metavar="NAME|FILE|JSON", choices=tuple(FILTERS), free=True,
    )  # fmt: skip
    filter_padding: str = option("valid", "Like --padding, but for the filter, and with zeros.", metavar="P")
    bias: float = option(0.0, "Added to every filtered value.", metavar="X")
    relu: bool = option(False, "Replace negative values with zero.", "--relu/--no-relu")

    def steps(self) -> list[Step]:
        """Return the steps before pooling."""
        if self.filter is None and (self.bias or self.filter_padding != "valid"):
            raise UsageError("--bias and --filter-padding need a filter", "add --filter NAME")
        filtering: list[Step] = []
        if self.filter is not None:
            filtering.append(kernel_step(self.filter, padding=parse_padding(self.filter_padding), bias=self.bias))
        return [*filtering, *([ReluStep()] if self.relu else [])]


class Convolving(Sizing, panel=WINDOW):
    """A convolution."""

    kernel: str | None = option(
        None, "A named filter (poolcli filters lists them), a kernel file, or JSON.", "--filter",
        metavar="NAME|FILE|JSON", choices=tuple(FILTERS), free=True,
    )  # fmt: skip
    stride: str = option("1", "Cells from window to window.", "-s", metavar="N|HxW")
    padding: str = option(
        "valid", "valid, same, same-lower, cells, or top,bottom,left,right; of zeros.", "-p", metavar="P",
        choices=("valid", "same", "same-lower"), free=True,
    )  # fmt: skip
    dilation: str = option("1", "Cells from cell to cell inside a window.", metavar="N|HxW")
    bias: float = option(0.0, "Added to every value.", metavar="X")
    relu: bool = option(False, "Then replace negative values with zero.", "--relu/--no-relu")

    def steps(self) -> list[Step]:
        """Return the convolution, and the ReLU if asked for."""
        if self.kernel is None:
            raise UsageError("conv needs a filter", "add --filter NAME; poolcli filters lists the names")
        return [kernel_step(self.kernel, bias=self.bias, **self.window()), *self.activation()]

    def window(self) -> dict[str, Any]:
        """Return the window of the kernel."""
        return {**self.sizes("stride", "dilation"), "padding": parse_padding(self.padding)}

    def activation(self) -> list[Step]:
        """Return the ReLU, if asked for."""
        return [ReluStep(own=False)] if self.relu else []


class RecipeOptions(Group, panel="Steps"):
    """Steps from a file."""

    steps: str | None = option(None, "Replay the steps of a recipe or of any poolcli JSON.", metavar="FILE")
    settings: list[str] | None = option(
        None,
        "Change an option of --steps, such as 2.size=3x3 (its stride stays) or pool.mode=avg; may be repeated.",
        "--set", many=True,
        metavar="STEP.OPTION=VALUE",
    )  # fmt: skip

    def replayed(self, out: Output) -> list[Step]:
        """Return the steps of the file with all changes; none without a file."""
        from poolcli.steps.recipe import load_recipe  # takes 1 ms to import, and few have a recipe

        if self.steps is None:
            if self.settings:
                raise UsageError("--set changes a recipe, but there is none", "add --steps recipe.json")
            return []
        return load_recipe(self.steps, self.settings or (), out.note)


class UnpoolOptions(Sizing, panel=WINDOW):
    """Options for unpooling inputs that do not record them."""

    size: str | None = option(None, "Kernel size of the pooling.", "-k", metavar="N|HxW")
    stride: str | None = option(None, "Stride of the pooling.", "-s", metavar="N|HxW")
    padding: str | None = option(None, "Padding of the pooling.", "-p", metavar="P")
    output_size: str | None = option(None, "The shape to restore.", metavar="HxW")
    compat: str | None = option(None, "The framework whose indices they are.", metavar="NAME", choices=framework_names)
    storage_order: int | None = option(None, "1: ONNX indices that count columns first.", kind=int, metavar="0|1")

    def step(self) -> UnpoolStep:
        """Return the unpooling."""
        known = {
            "compat": self.compat, "storage_order": self.storage_order, **self.sizes("size", "stride", "output_size"),
            "padding": None if self.padding is None else parse_padding(self.padding),
        }  # fmt: skip
        return UnpoolStep({name: value for name, value in known.items() if value is not None})


def kernel_step(text: str, **options: Any) -> ConvStep:
    """Return the convolution with a named filter, a kernel file, or a kernel as JSON."""
    if text.lstrip().startswith("["):
        kernel = decode(as_utf8(text), "the kernel", ReadOptions(input_format="json")).array
    elif "." in text or "/" in text:
        kernel = read(text).array
    else:
        kernel = find_filter(text, note="; a kernel of your own comes from a file or inline JSON").kernel
    return ConvStep(kernel.tolist(), text if not text.lstrip().startswith("[") else "kernel", **options)
