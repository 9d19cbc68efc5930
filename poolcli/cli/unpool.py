"""``poolcli unpool``."""

from __future__ import annotations

from typing import Annotated, Any

from poolcli.cli.deliver import transform
from poolcli.cli.grammar import option
from poolcli.cli.options import WINDOW, Input, Reading, Talking, Writing, framework_names
from poolcli.steps import UnpoolStep
from poolcli.window import parse_padding, parse_sizes


def unpool(
    given: Input = None,
    *,
    size: Annotated[
        str | None, option("-k", "--size", help="Kernel size of the pooling.", panel=WINDOW, metavar="N|HxW")
    ] = None,
    stride: Annotated[
        str | None, option("-s", "--stride", help="Stride of the pooling.", panel=WINDOW, metavar="N|HxW")
    ] = None,
    padding: Annotated[
        str | None, option("-p", "--padding", help="Padding of the pooling.", panel=WINDOW, metavar="P")
    ] = None,
    output_size: Annotated[
        str | None, option("--output-size", help="The shape to restore.", panel=WINDOW, metavar="HxW")
    ] = None,
    compat: Annotated[
        str | None, option("--compat", help="Whose indices they are: torch, keras or onnx.", panel=WINDOW,
                           metavar="NAME", choices=framework_names)
    ] = None,
    storage_order: Annotated[
        int | None, option("--storage-order", help="1: ONNX indices that count columns first.", panel=WINDOW,
                           metavar="0|1")
    ] = None,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:  # fmt: skip
    """Put pooled values back where their indices say; every other cell is zero.

    What pool --indices --json wrote says all there is to know:

    poolcli pool --indices --json input.csv | poolcli unpool
    """
    known: dict[str, Any] = {"compat": compat, "storage_order": storage_order}
    for name, text in (("size", size), ("stride", stride), ("output_size", output_size)):
        known[name] = None if text is None else parse_sizes(text, name.replace("_", "-"))
    known["padding"] = None if padding is None else parse_padding(padding)
    window = {name: value for name, value in known.items() if value is not None}
    transform(given, [UnpoolStep(window)], reading, writing, talking, compat)
