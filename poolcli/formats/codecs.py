"""What this installation can do with pictures, found out by writing and reading a small one: for ``poolcli doctor``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO

import numpy as np
from PIL import Image, features

from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.system.mute import unheard

# the formats that a library has to be there for, and what Pillow calls that library
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "png": ("zlib_ng", "zlib"),
    "jpeg": ("libjpeg_turbo", "jpg"),
    "tiff": ("libtiff",),
    "webp": ("webp",),
    "avif": ("avif",),
    "jpeg2000": ("jpg_2000",),
}
COMPRESSIONS = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "zstd", "lzma", "webp")


def codecs() -> Iterator[tuple[str, str, str]]:
    """Yield every format that needs a library, with the libraries' versions and what does not work, if anything.

    Examples
    --------
    >>> [problem for name, _, problem in codecs() if name == "png"]
    ['']
    """
    for name, candidates in LIBRARIES.items():
        problem = _problem(name)
        library = next((f"{each} {features.version(each)}" for each in candidates if features.check(each)), "none")
        yield name, library, problem


def tiff_compressions() -> list[str]:
    """Return the compressions of TIFF that can be written and read."""
    with unheard():
        return [name for name in COMPRESSIONS if _works(name)]


def largest_picture() -> int | None:
    """Return how many pixels are opened without ``--max-pixels``."""
    return Image.MAX_IMAGE_PIXELS


def _problem(name: str) -> str:
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    try:
        data = b"".join(encode(FeatureMap(values, white=255), WriteOptions(name)))
        read = decode(data, f"a {name} picture", ReadOptions())
        return "" if read.shape == values.shape else f"a picture of 8x8 pixels comes back as {read.shape}"
    except Exception as problem:  # noqa: BLE001 -- whatever a library that is broken raises
        return str(problem) or f"{name}: {type(problem).__name__}"


def _works(compression: str) -> bool:
    target = BytesIO()
    try:
        Image.new("L", (8, 8)).save(target, "TIFF", compression=compression)
        with Image.open(target) as picture:
            picture.load()
    except Exception:  # noqa: BLE001 -- as above
        return False
    return True
