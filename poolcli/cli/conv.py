"""``poolcli conv``."""

from __future__ import annotations

from typing import Annotated

from poolcli.cli.deliver import transform
from poolcli.cli.grammar import option
from poolcli.cli.options import (
    WINDOW,
    Input,
    Reading,
    Talking,
    Writing,
    filter_names,
    kernel_step,
)
from poolcli.errors import UsageError
from poolcli.steps import ReluStep, Step


def conv(
    given: Input = None,
    *,
    kernel: Annotated[
        str | None,
        option("--filter", help="A named filter (poolcli filters lists them), a kernel file, or JSON.", panel=WINDOW,
               metavar="NAME|FILE|JSON", choices=filter_names, free=True),
    ] = None,
    stride: Annotated[
        str, option("-s", "--stride", help="Cells from window to window.", panel=WINDOW, metavar="N|HxW")
    ] = "1",
    padding: Annotated[
        str, option("-p", "--padding", help="valid, same, same-lower, cells, or top,bottom,left,right; of zeros.",
                    panel=WINDOW, metavar="P", choices=("valid", "same", "same-lower"), free=True)
    ] = "valid",
    dilation: Annotated[
        str, option("--dilation", help="Cells from cell to cell inside a window.", panel=WINDOW, metavar="N|HxW")
    ] = "1",
    bias: Annotated[float, option("--bias", help="Added to every value.", panel=WINDOW, metavar="X")] = 0.0,
    relu: Annotated[bool, option("--relu/--no-relu", help="Then replace negative values with zero.", panel=WINDOW)] = False,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:  # fmt: skip
    """Convolve with a named filter or a kernel of your own.

    It is cross-correlation, as in deep learning: the kernel is laid over the input as it is written, not flipped.

    poolcli conv --filter sobel-x input.csv

    poolcli conv --filter '[[0, 1], [2, 3]]' --padding same input.csv
    """
    if kernel is None:
        raise UsageError("conv needs a filter", "add --filter NAME; poolcli filters lists the names")
    steps: list[Step] = [kernel_step(kernel, stride=stride, padding=padding, dilation=dilation, bias=bias)]
    transform(given, [*steps, ReluStep()] if relu else steps, reading, writing, talking)
