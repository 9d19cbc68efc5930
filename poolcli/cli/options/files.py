"""Options for reading and writing maps, and for messages.

The default number of rows and columns of tables is in `poolcli.render.terminal.table`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Any

from poolcli.cli.options.grammar import Group, argument, option, part, refuse_idle
from poolcli.cli.options.panels import INPUT, INPUT_FORMATS, OUTPUT, OUTPUT_FORMATS, PICTURE, TABLE
from poolcli.cli.output import Output
from poolcli.colors import COLORMAPS
from poolcli.errors import PoolcliError, UsageError
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.registry import find_format, format_of_name, format_of_target
from poolcli.pooling.frameworks import find

INPUT_FILE: Any = argument(None, "INPUT", "A file, or - for standard input; standard input if missing.")
JSON_SWITCH: Any = option(False, "As JSON.", "--json", panel=OUTPUT)


HEEDED_BY_ALL = ("input_format", "layout", "missing", "max_pixels")  # options that every format uses


class Reading(Group, panel=INPUT):
    """How to read the input."""

    input_format: str | None = option(
        None, "csv, json, npy, png ...; detected from the data if missing.", metavar="NAME", choices=INPUT_FORMATS,
        free=True,
    )  # fmt: skip
    layout: str | None = option(
        None,
        "The axes in the input's order, of N, C and L, HW or DHW: HW, CHW, NHWC, LC ...; by their number if missing.",
        metavar="LETTERS", choices=tuple(
            order.replace("X", axes) for axes in ("HW", "L", "DHW") for order in ("X", "CX", "XC", "NCX", "NXC")
        ), free=True,
    )  # fmt: skip
    missing: list[str] | None = option(
        None, "What marks a missing value: -9999, NA ...; an empty item for empty cells.", metavar="V,V...", many=True
    )
    skip: int = option(0, "Lines to skip at the start of CSV.", least=0, metavar="N")
    columns: str | None = option(
        None, "Columns of CSV to read, by number (2-, 1,3-5) or by name in the header.", metavar="LIST"
    )
    array: str | None = option(None, "Which array of an .npz to read.", metavar="NAME")
    delimiter: str = option(
        "auto", "What separates the values of CSV: tab, blanks, or any single character.",
        choices=("auto", ",", ";", "|", "tab", "blanks"), free=True,
    )  # fmt: skip
    decimal: str = option(".", "The decimal mark of CSV: . or ,", choices=(".", ","))
    header: str = option("auto", "Whether the first row of CSV is a header.", choices=("auto", "yes", "no"))
    channels: str = option("gray", "Read pictures as gray, or each colour as a channel.", choices=("gray", "rgb"))
    frame: str = option(
        "0", "Which frame of an animated picture, from 0; all stacks them along an axis.", metavar="N|all"
    )
    linear_light: bool = option(False, "Pool the light of sRGB pictures, not their gray levels.")
    max_pixels: int | None = option(None, "The largest picture to open.", kind=int, metavar="N")

    def options(self, compat: str | None = None) -> ReadOptions:
        """Return the options for readers."""
        values = dict(self.__dict__)
        values["missing"] = ",".join(self.missing) if self.missing else None
        words = values["missing"] or ""
        if format_of_name(words) and os.path.isfile(words):
            raise UsageError(f"{words} is a file, not a missing value", "give --missing its value: --missing NA")
        if self.input_format:
            values["input_format"] = find_format(self.input_format).name
        if self.frame == type(self).frame:
            values["frame"] = ReadOptions().frame  # the default, which needs no note
        framework = find(compat)
        return ReadOptions(channels_last=bool(framework and framework.channels_last), **values)

    def refuse_idle(self, what: str, heeded: Collection[str] = (), error: type[PoolcliError] = UsageError) -> None:
        """Refuse options that do nothing for such an input: all but those `heeded`."""
        refuse_idle(self.changed(*(name for name in self.fields if name not in heeded)), what, error=error)


FOR_TABLES = ("precision", "max_rows", "max_cols", "full")
FOR_PICTURES = ("normalize", "zoom")  # and colormap, which also applies to maps in the terminal and in pages


class PictureOptions(Group, panel=PICTURE):
    """How results become pictures."""

    normalize: str = option(
        "auto", "How numbers become gray: auto keeps what came from a picture and stretches the rest.",
        choices=("auto", "clip", "minmax"),
    )  # fmt: skip
    zoom: int = option(1, "Pixels per cell, each way.", least=1, metavar="N")
    colormap: str | None = option(
        None, "Paint numbers in colour: viridis, magma, gray ...", metavar="NAME", choices=tuple(COLORMAPS)
    )
    compress_level: int | None = option(None, "Of PNG, 0 to 9.", kind=int, least=0, most=9, metavar="N")

    def options(self, format: str | None) -> WriteOptions:  # noqa: A002 -- the option's name
        """Return the options for writers."""
        return WriteOptions(format, self.normalize, self.zoom, self.colormap, self.compress_level)


class Writing(PictureOptions, panel=TABLE):
    """Where the result goes, and how it looks."""

    output: str = option(
        "-",
        "A file, replaced if it exists, whose extension chooses the format; - for standard output.",
        "-o",
        panel=OUTPUT,
        metavar="PATH",
    )
    format: str | None = option(
        None, "table, json, csv, tsv, npy, png ...", "-f", panel=OUTPUT, usual="by --output, else table",
        metavar="NAME", choices=OUTPUT_FORMATS, free=True,
    )  # fmt: skip
    json: bool = option(False, "The same as --format json.", panel=OUTPUT)
    overwrite: bool = option(False, "Allow the output to replace the input.", panel=OUTPUT)
    precision: int = option(4, "Decimals in tables.", least=0, most=17, metavar="N")
    max_rows: int | None = option(None, "Rows to show.", kind=int, usual="40", least=1, metavar="N")
    max_cols: int | None = option(None, "Columns to show.", kind=int, usual="as many as fit", least=1, metavar="N")
    full: bool = option(False, "Show every row and column.")
    color: str = option("auto", "Colour in tables and messages.", choices=("auto", "always", "never"))

    @property
    def chosen_format(self) -> str:
        """The format chosen by ``--json``, ``--format`` or the output's extension."""
        if self.json and self.format not in (None, "json"):
            raise UsageError(f"--json and --format {self.format} cannot be combined", "drop one of them")
        named = "json" if self.json else self.format
        if named == "table" or (named is None and self.output == "-"):
            return "table"
        return format_of_target(self.output, named, also=["table"]).name

    def refuse_idle(self, *, drawn: bool) -> None:
        """Refuse picture options without a picture; `drawn` is whether the terminal or a page shows maps."""
        if self.full:
            refuse_idle(self.changed("max_rows", "max_cols"), "a table that is shown in full")
        if not self.changed("compress_level", "colormap", *FOR_PICTURES):
            return  # errors of the output are raised when it is opened
        kind = self.chosen_format
        picture = kind != "table" and find_format(kind, writing=True).picture
        idle = ["compress_level"] if kind != "png" else []
        idle += [] if picture else [*FOR_PICTURES, *([] if drawn else ["colormap"])]
        refuse_idle(self.changed(*idle), kind if picture else f"{kind}, which is not a picture")

    def told_of_name(self) -> Iterator[str]:
        """Yield a note if the extension of the output belongs to another format."""
        other = format_of_name(self.output)
        if other and self.chosen_format not in (other.name, "table"):
            yield f"{self.output} holds {self.chosen_format}, not {other.name}"

    def told_of_tables(self, heeded: Collection[str] = ()) -> Iterator[str]:
        """Yield a note for every table option that does nothing for another format."""
        kind = self.chosen_format
        for name in self.changed(*FOR_TABLES) if kind != "table" else ():
            if name not in heeded:
                yield f"--{name.replace('_', '-')} is for tables only; {kind} has every value in full"


class Verbosity(Group, panel="Work"):
    """Messages on standard error, and threads."""

    quiet: bool = option(False, "Print only errors.", "-q")
    verbose: bool = option(False, "State every guess: delimiter, header, layout, dtype.", "-v")
    threads: int | None = option(
        None, "How many to use for large maps.", kind=int, usual="the processors", least=1, metavar="N"
    )

    def output(self, color: str = "auto") -> Output:
        """Return the output, quiet or verbose as asked for."""
        return Output(color, quiet=self.quiet, verbose=self.verbose)


class InputOutput(Group):
    """Reading, writing and messages of a command that takes a map."""

    reading = part(Reading)
    writing = part(Writing)
    verbosity = part(Verbosity)

    @property
    def out(self) -> Output:
        """The output of the command."""
        return self.verbosity.output(self.writing.color)


class StepIO(InputOutput, panel=INPUT):
    """The same for a command that also takes JSON Lines."""

    lines: bool = option(False, "Treat each line of the input as a separate map (JSON Lines), and answer it at once.")


class ClusterOptions(Group, panel="Work"):
    """The cluster for arrays larger than memory."""

    scheduler: str | None = option(
        None, "Process the blocks of a Zarr array on the workers of a Dask scheduler, such as tcp://host:8786.",
        metavar="ADDRESS",
    )  # fmt: skip
