"""Coverage-guided fuzzing of the readers, one at a time.

Any bytes must give a feature map or a `PoolcliError`; anything else is a finding. Run it from the checkout::

    pip install atheris
    python tests/fuzz/fuzz_readers.py csv -max_total_time=300 corpus/csv

The first word is a reader: csv, tsv, json, npy, a picture format such as png, or ``any`` to have the format found out.
What follows is for libFuzzer; a folder is a corpus, which is kept and grows. Without one, a few valid files are the
seeds. A finding is written to ``crash-<hash>``: turn it into a test, then mend it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"decimal": ",", "channels": "rgb"},
    {"header": "yes", "layout": "HW"},
    {"delimiter": "blanks", "frame": 1, "channels_last": True},
)


def seeds(kind: str) -> list[bytes]:
    """Return valid files of a kind."""
    import numpy as np

    from poolcli.featuremap import FeatureMap
    from poolcli.formats import encode
    from poolcli.formats.options import WriteOptions
    from poolcli.formats.registry import FORMATS

    numbers = FeatureMap.from_array(np.array([[1.5, -2.0, np.nan], [np.inf, 0.0, 3e20]]))
    pixels = FeatureMap.from_array(np.arange(24, dtype=np.uint8).reshape(4, 6) * 9)
    rows = [row for row in FORMATS.values() if row.writes and kind in (row.name, "any")]
    return [
        b"".join(encode(feature_map, WriteOptions(format=row.name)))
        for row in rows
        for feature_map in ((pixels,) if row.picture else (numbers, pixels))
    ]


def target(kind: str) -> Callable[[bytes], None]:
    """Make the function that is fuzzed; the first byte of its data chooses the options."""
    from poolcli.errors import PoolcliError
    from poolcli.formats import decode, encode
    from poolcli.formats.options import ReadOptions, WriteOptions
    from poolcli.formats.registry import FORMATS

    name = "x" if kind == "any" else f"x{FORMATS[kind].extensions[0]}"

    def read(data: bytes) -> None:
        if not data:
            return
        options = ReadOptions(max_pixels=100_000, **OPTIONS[data[0] % len(OPTIONS)])
        try:
            feature_map = decode(data[1:], name, options)
        except PoolcliError as problem:
            if not problem.message.isprintable():
                raise RuntimeError(f"unprintable message: {problem.message!a}") from problem
            return
        b"".join(encode(feature_map, WriteOptions(format="json")))

    return read


def main() -> None:
    """Run libFuzzer on what the command line names."""
    atheris: Any = import_module("atheris")  # no dependency: only who fuzzes has it
    kind = sys.argv.pop(1)
    with atheris.instrument_imports(include=["poolcli", "PIL"]):
        for name in ("delimited", "json_map", "npy", "pictures_in", "pictures_out"):
            import_module(f"poolcli.formats.{name}")
        read = target(kind)
    if all(argument.startswith("-") for argument in sys.argv[1:]):
        folder = Path(tempfile.mkdtemp())
        for number, seed in enumerate(seeds(kind)):
            (folder / str(number)).write_bytes(b"\0" + seed)
        sys.argv.append(str(folder))
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
