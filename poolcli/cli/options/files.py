"""Options of files: how a map comes in, how it goes out, what is said meanwhile.

How many rows and columns a table has without being told says `poolcli.render.terminal.table`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from poolcli.cli.options.grammar import Group, option, refuse_idle
from poolcli.cli.options.panels import (
    INPUT,
    OUTPUT,
    PICTURE,
    TABLE,
    colormap_names,
    formats_read,
    formats_written,
)
from poolcli.cli.output import Output
from poolcli.errors import UsageError
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.registry import find_format, format_of_target
from poolcli.pooling.frameworks import find

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
        option("--input-format", help="csv, json, npy, png ...; detected from the data if missing.", panel=INPUT,
               metavar="NAME", choices=formats_read, free=True),
    ] = None  # fmt: skip
    layout: Annotated[
        str | None,
        option("--layout", help="The axes in the input's order: HW, CHW, NHWC, NCL, NCDHW ...; by their number if "
               "missing.", panel=INPUT, metavar="LETTERS",
               choices=("HW", "CHW", "HWC", "NCHW", "NHWC", "L", "CL", "NCL", "NLC", "DHW", "NCDHW"), free=True),
    ] = None  # fmt: skip
    missing: Annotated[
        str | None,
        option("--missing", help="What marks a missing value: -9999, NA ...; an empty item for empty cells.",
               panel=INPUT, metavar="V,V..."),
    ] = None  # fmt: skip
    skip: Annotated[
        int, option("--skip", help="Lines to skip at the start of CSV.", least=0, panel=INPUT, metavar="N")
    ] = 0
    columns: Annotated[
        str | None, option("--columns", help="Columns of CSV to read, by number (2-, 1,3-5) or by name in the header.",
                           panel=INPUT, metavar="LIST")
    ] = None  # fmt: skip
    array: Annotated[
        str | None, option("--array", help="Which array of an .npz to read.", panel=INPUT, metavar="NAME")
    ] = None
    delimiter: Annotated[
        str,
        option("--delimiter", help="What separates the values of CSV: tab, blanks, or any single character.",
               panel=INPUT, choices=("auto", ",", ";", "|", "tab", "blanks"), free=True),
    ] = "auto"  # fmt: skip
    decimal: Annotated[
        str, option("--decimal", help="The decimal mark of CSV: . or ,", panel=INPUT, choices=(".", ","))
    ] = "."
    header: Annotated[
        str, option("--header", help="Whether the first row of CSV is a header.", panel=INPUT,
                    choices=("auto", "yes", "no"))
    ] = "auto"  # fmt: skip
    channels: Annotated[
        str, option("--channels", help="Read pictures as gray, or each colour as a channel.", panel=INPUT,
                    choices=("gray", "rgb"))
    ] = "gray"  # fmt: skip
    frame: Annotated[
        str, option("--frame", help="Which frame of an animated picture, from 0; all stacks them along an axis.",
                    panel=INPUT, metavar="N|all")
    ] = "0"  # fmt: skip
    linear_light: Annotated[
        bool, option("--linear-light", help="Pool the light of sRGB pictures, not their gray levels.", panel=INPUT)
    ] = False
    max_pixels: Annotated[
        int | None, option("--max-pixels", help="The largest picture to open.", panel=INPUT, metavar="N")
    ] = None

    def options(self, compat: str | None = None) -> ReadOptions:
        """Return them as the readers take them."""
        values = dict(self.__dict__)
        if self.input_format:
            values["input_format"] = find_format(self.input_format).name
        if self.frame == type(self).frame:
            values["frame"] = ReadOptions().frame  # as by default, which nobody has to be told of
        return ReadOptions(channels_last=_channels_last(compat), **values)


def _channels_last(compat: str | None) -> bool:
    framework = find(compat)
    return bool(framework and framework.channels_last)


FOR_TABLES = ("precision", "max_rows", "max_cols", "full")
FOR_PICTURES = ("normalize", "zoom")  # and colormap, which maps in the terminal and in a page heed, too


class Writing(Group):
    """Where the result goes, and how it looks."""

    output: Annotated[
        str, option("-o", "--output", help="A file, whose extension chooses the format; - for standard output.",
                    panel=OUTPUT, metavar="PATH")
    ] = "-"  # fmt: skip
    format: Annotated[
        str | None, option("-f", "--format", help="table, json, csv, tsv, npy, png ...", panel=OUTPUT,
                           default="by --output, else table", metavar="NAME", choices=formats_written, free=True)
    ] = None  # fmt: skip
    json: Annotated[bool, option("--json", help="The same as --format json.", panel=OUTPUT)] = False
    overwrite: Annotated[bool, option("--overwrite", help="Allow the output to replace the input.", panel=OUTPUT)] = (
        False
    )
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
        if self.json and self.format not in (None, "json"):
            raise UsageError(f"--json and --format {self.format} cannot be combined", "drop one of them")
        named = "json" if self.json else self.format
        if named == "table" or (named is None and self.output == "-"):
            return "table"
        return format_of_target(self.output, named, also=["table"]).name

    def refuse_idle(self, *, drawn: bool) -> None:
        """Refuse options of pictures where none is written; `drawn` is whether the terminal or a page draws maps."""
        if not self.changed("compress_level", "colormap", *FOR_PICTURES):
            return  # what is wrong with the output is said where it is opened
        kind = self.chosen_format
        picture = kind != "table" and find_format(kind, writing=True).picture
        idle = ["compress_level"] if kind != "png" else []
        idle += [] if picture else [*FOR_PICTURES, *([] if drawn else ["colormap"])]
        refuse_idle(self.changed(*idle), kind if picture else f"{kind}, which is not a picture")

    def changed(self, *names: str) -> dict[str, Any]:
        """Return those of some options that are not as usual."""
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(type(self), name)}

    def options(self) -> WriteOptions:
        """Return them as the writers take them."""
        return WriteOptions(self.chosen_format, self.normalize, self.zoom, self.colormap, self.compress_level)


class Verbosity(Group):
    """How the work is done, and how much is said of it on standard error."""

    quiet: Annotated[bool, option("-q", "--quiet", help="Print only errors.", panel="Work")] = False
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

    def output(self, color: str = "auto") -> Output:
        """Return the way out, as quiet as it is to be."""
        return Output(color, quiet=self.quiet, verbose=self.verbose)


class InputOutput(Group):
    """How a map comes in, how what is made of it goes out, and what is said on the way."""

    reading: Reading
    writing: Writing
    verbosity: Verbosity

    @property
    def out(self) -> Output:
        """The way out."""
        return self.verbosity.output(self.writing.color)


class StepIO(InputOutput):
    """How maps come in and go out of a command that takes one, or one after the other."""

    lines: Annotated[
        bool, option("--lines", help="Treat each line of the input as a separate map (JSON Lines), and answer it "
                     "at once.", panel=INPUT)
    ] = False  # fmt: skip


class ClusterOptions(Group):
    """Who works on arrays larger than memory."""

    scheduler: Annotated[
        str | None, option("--scheduler", help="Process the blocks of a Zarr array on the workers of a Dask "
                           "scheduler, such as tcp://host:8786.", panel="Work", metavar="ADDRESS")
    ] = None  # fmt: skip
