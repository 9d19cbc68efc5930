"""Options of the steps beside pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import (
    WINDOW,
    filter_names,
)
from poolcli.cli.options.windows import Sizing
from poolcli.errors import UsageError
from poolcli.formats import decode, read
from poolcli.formats.options import ReadOptions
from poolcli.pooling.filters import find_filter
from poolcli.pooling.frameworks import framework_names
from poolcli.steps.steps import ConvStep, ReluStep, UnpoolStep
from poolcli.window import parse_padding

if TYPE_CHECKING:
    from poolcli.steps.steps import Step


class FilterOptions(Group):
    """What comes before pooling."""

    filter: Annotated[
        str | None,
        option("--filter", help="First convolve with a named filter, a kernel file, or JSON such as '[[1,2],[3,4]]'.",
               panel="Before pooling", metavar="NAME|FILE|JSON", choices=filter_names, free=True),
    ] = None  # fmt: skip
    filter_padding: Annotated[
        str, option("--filter-padding", help="Like --padding, but for the filter, and with zeros.",
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
        if self.filter is None and (self.bias or self.filter_padding != "valid"):
            raise UsageError("--bias and --filter-padding need a filter", "add --filter NAME")
        filtering: list[Step] = []
        if self.filter is not None:
            filtering.append(kernel_step(self.filter, padding=parse_padding(self.filter_padding), bias=self.bias))
        return [*filtering, *([ReluStep()] if self.relu else [])]


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
        return {**self.sizes("stride", "dilation"), "padding": parse_padding(self.padding)}

    def activation(self) -> list[Step]:
        """Return the ReLU, if asked for."""
        return [ReluStep(own=False)] if self.relu else []


class RecipeOptions(Group):
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
        from poolcli.steps.recipe import load_recipe

        if self.steps is None:
            if self.settings:
                raise UsageError("--set changes a recipe, but there is none", "add --steps recipe.json")
            return []
        return load_recipe(self.steps, self.settings or ())


class UnpoolOptions(Sizing):
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
        str | None, option("--compat", help="Whose indices they are.", panel=WINDOW,
                           metavar="NAME", choices=framework_names)
    ] = None  # fmt: skip
    storage_order: Annotated[
        int | None, option("--storage-order", help="1: ONNX indices that count columns first.", panel=WINDOW,
                           metavar="0|1")
    ] = None  # fmt: skip

    def step(self) -> UnpoolStep:
        """Return the unpooling."""
        known = {
            "compat": self.compat, "storage_order": self.storage_order, **self.sizes("size", "stride", "output_size"),
            "padding": None if self.padding is None else parse_padding(self.padding),
        }  # fmt: skip
        return UnpoolStep({name: value for name, value in known.items() if value is not None})


def kernel_step(text: str, **options: Any) -> ConvStep:
    """Return the convolution with a named filter, with the kernel in a file, or with one written as JSON."""
    if text.lstrip().startswith("["):
        kernel = decode(text.encode(), "the kernel", ReadOptions(input_format="json")).array
    elif "." in text or "/" in text:
        kernel = read(text).array
    else:
        kernel = find_filter(text, note="; a kernel of your own comes from a file or inline JSON").kernel
    return ConvStep(kernel.tolist(), text if not text.lstrip().startswith("[") else "kernel", **options)
