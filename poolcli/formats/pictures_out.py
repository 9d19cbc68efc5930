"""Writing pictures: numbers become any format that Pillow writes.

``normalize`` says how numbers become pixels. ``auto`` keeps numbers that are pixels: their type or origin tells which
is white, and all are between 0 and white. It stretches any others like ``minmax``: the smallest finite number is black,
the largest white, and a constant map is in the middle. ``clip`` takes numbers as pixels and clips them to black and
white. `poolcli.colors.Scale` does the work and rounds halves up. NaN is black, or magenta in a colour map; infinities
are black and white.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.colors import Scale, bounds
from poolcli.errors import LimitError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap, spatial_letters
from poolcli.formats import netpbm
from poolcli.formats.options import ANYWHERE, Account, WriteOptions
from poolcli.formats.pictures_in import PIXELS, limited
from poolcli.formats.png_file import write_png
from poolcli.wording import Phrase, Typed, many

Array = NDArray[Any]

NORMALIZE = ("auto", "clip", "minmax")
# Pillow's names for formats, where they are not ours in capitals.
WRITERS: Mapping[str, str] = {"pfm": "PPM", "pbm": "PPM"}
# The mode that a format needs, if it does not take L and RGB.
PILLOW_MODES: Mapping[str, str] = {
    "qoi": "RGB", "webp": "RGB", "avif": "RGB", "ico": "RGBA", "blp": "P", "palm": "P",
    "pbm": "1", "xbm": "1", "msp": "1",
}  # fmt: skip
BILEVEL = ("pbm", "xbm", "msp")
LOSSY, LOSSY_KINDS = "compressed with loss", ("jpeg", "mpo", "avif", "pdf")
STORED: Mapping[str, str] = {  # what a format turns both gray and colours into
    **dict.fromkeys(BILEVEL, "black and white"), **dict.fromkeys(("blp", "palm"), "256 colours"),
    **dict.fromkeys(("qoi", "webp", "avif"), "8-bit RGB"), "ico": "8-bit RGBA",
}  # fmt: skip
PALETTES = ("gif", "blp", "palm")
DEEP = ("png", "tiff", "ppm", "jpeg2000")  # formats of 16-bit gray
EPOCH = time.struct_time((1980, 1, 1, 0, 0, 0, 1, 1, 0))  # for formats with a date: the same bytes every time
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "jpeg": {"quality": 95},
    "mpo": {"quality": 95},
    "webp": {"lossless": True},
    "avif": {"quality": 90},
    "tiff": {"compression": "tiff_adobe_deflate"},
    "pdf": {"creationDate": EPOCH, "modDate": EPOCH},
}
PNG = Phrase("{output}", output="output.png")
ICON = 256  # the largest width and height
FULL: Mapping[str, float] = {"bool": 1, "uint8": 255, "uint16": 65535}  # white, by the type


def write(feature_map: FeatureMap, options: WriteOptions, kind: str) -> Iterable[bytes]:
    """Write one plane, or three channels, as a picture."""
    plane = _plane(feature_map)
    if kind == "pfm":
        if plane.ndim == 3:
            raise ShapeError("Pillow writes float pictures of one channel, but the result has 3", ANYWHERE)
        return _encoded(_zoomed(plane.astype(np.float32), options.zoom), kind)
    if _keeps_numbers(feature_map, plane, options, kind):
        return _encoded(_zoomed(plane.astype(_wide_type(plane)), options.zoom), kind)
    found = _range(plane, feature_map.white, options, _depth(feature_map, plane, kind))
    pixels = _zoomed(_pixels(plane, found, options), options.zoom)
    if kind == "ppm" and found.top != 255:  # Pillow writes a maximum of 255 only
        return (netpbm.write(pixels, found.top),)
    if kind == "png":
        return write_png(pixels, compress_level=options.compress_level, text=options.text)
    return _encoded(pixels, kind)


def _depth(feature_map: FeatureMap, plane: Array, kind: str) -> int:
    """Return the largest level of a picture of this kind, if the numbers are pixels."""
    white = feature_map.white or {"uint16": 65535}.get(feature_map.values.dtype.name)
    if kind == "ppm" and white and white == int(white) <= netpbm.LARGEST_VALUE:
        return int(white)
    return 65535 if kind in DEEP and plane.ndim == 2 and white and white > 255 else 255


def _keeps_numbers(feature_map: FeatureMap, plane: Array, options: WriteOptions, kind: str) -> bool:
    """Whether a picture's numbers that are not pixels stay as they are, in a format that can hold them."""
    measured = feature_map.origin.get("picture") and not feature_map.white
    missing = plane.dtype.kind == "f" and bool(np.isnan(plane).any()) and feature_map.origin.get("picture")
    asked = options.normalize != "auto" or options.colormap
    return kind == "tiff" and bool(measured or missing) and plane.ndim == 2 and not asked


def _wide_type(plane: Array) -> type[np.generic]:
    """Return the 32-bit type in which a TIFF holds these numbers."""
    if plane.dtype.kind in "iub" and -(2**31) <= plane.min() <= plane.max() < 2**31:
        return np.int32
    return np.float32


def _plane(feature_map: FeatureMap) -> Array:
    """Return the map as (H, W) or (H, W, 3)."""
    values, layout = feature_map.values, feature_map.layout
    spatial = spatial_letters(layout)
    if spatial == "DHW":
        raise ShapeError(f"a picture has two axes, but the result has three ({layout})", ANYWHERE)
    if spatial == "L":
        values = values[..., None, :]
    channels = values.shape[-3] if "C" in layout else 1
    others = math.prod(values.shape[:-2]) // channels
    if others != 1:
        raise ShapeError(f"a picture is one map, but the result has {others} ({layout})", ANYWHERE)
    if channels not in (1, 3):
        turned = f"if its channels come last, write(FeatureMap.from_array(x, {layout[:-3] + 'HWC'!r}), ...); or "
        last = Typed("", turned if layout.endswith("CHW") and values.shape[-1] in (1, 3) else "")
        raise ShapeError(
            f"a picture has one channel or three, but the result has {channels}", Phrase("{last}", last=last) + ANYWHERE
        )
    planes = values.reshape(channels, *values.shape[-2:])
    return planes[0] if channels == 1 else planes.transpose(1, 2, 0)


def _pixels(plane: Array, found: _Range, options: WriteOptions) -> Array:
    """Return a map as the pixels of a picture, without a copy if that is what it holds."""
    if options.colormap and plane.ndim == 3:
        raise ShapeError("a colour map paints one channel, but the result has 3", Phrase("leave out {colormap}"))
    if options.colormap:
        return found.scale.rgb(plane)
    kept = found.pixels and plane.dtype.name in ("uint8", "uint16")
    if kept and found.scale.high == found.top == FULL[plane.dtype.name]:
        return plane
    return found.scale.levels(plane, found.top)


class _Range(NamedTuple):
    """How numbers become gray levels or colours."""

    scale: Scale  # the numbers at its ends become the first and the last level
    top: int  # the last level
    pixels: bool  # whether the numbers are pixels


def _range(plane: Array, white: float | None, options: WriteOptions, depth: int) -> _Range:
    if options.normalize not in NORMALIZE:
        raise UnknownNameError("normalize rule", options.normalize, NORMALIZE)
    white = white or FULL.get(plane.dtype.name)
    low, high = bounds(plane) or (0.0, 0.0)
    pixels = options.normalize == "clip" or (
        options.normalize == "auto" and white is not None and 0 <= low <= high <= white and _finite(plane)
    )
    if pixels:
        low, high = 0, white or 255
    top = depth if pixels and not options.colormap else 255
    return _Range(Scale(low, high, options.colormap or "gray").centred(), top, pixels)


def account(feature_map: FeatureMap, options: WriteOptions, kind: str) -> Account:
    """Say what a picture of this kind holds, how numbers became pixels, and what was lost."""
    plane = _plane(feature_map)
    height, width = (length * options.zoom for length in plane.shape[:2])
    size = f"{width}x{height} pixels"
    if kind == "pfm" or _keeps_numbers(feature_map, plane, options, kind):
        kept = np.dtype(np.float32 if kind == "pfm" else _wide_type(plane))
        what = "floats" if kept.kind == "f" else "integers"
        changed = plane.dtype != kept and bool((plane.astype(kept) != plane)[plane == plane].any())
        said = () if plane.dtype == kept else (f"{plane.dtype} written as {kept}",)
        return Account(f"{size}, 32-bit {what}", *((said, ()) if changed else ((), said)))
    found = _range(plane, feature_map.white, options, _depth(feature_map, plane, kind))
    bits = 8 if found.top <= 255 else 16
    colors = plane.ndim == 3 or options.colormap is not None
    stored = STORED.get(kind) or (f"{bits}-bit {'RGB' if colors else 'gray'}")
    if kind == "gif" and colors:
        stored = "256 colours"
    if found.top not in (255, 65535) and kind == "ppm":
        stored = f"{'RGB' if colors else 'gray'} up to {found.top}"
    rounded = found.pixels and _between_levels(plane, found)
    facts = (size, stored, *(["rounded"] if rounded else []), *([LOSSY] if kind in LOSSY_KINDS else []))
    remarks = list(_remarks(plane, options, found, bits, kind))
    losses, guesses = (tuple(text for lossy, text in remarks if lossy == wanted) for wanted in (True, False))
    return Account(", ".join(facts), losses, guesses)


def _between_levels(plane: Array, found: _Range) -> bool:
    """Whether a number is between two levels of gray, like averages; mostly the first few show it."""
    if plane.dtype.kind != "f":
        return False
    steps = (row * (found.top / found.scale.high) for row in plane)
    return any((levels != np.floor(levels)).any() for levels in steps)


def _remarks(plane: Array, options: WriteOptions, found: _Range, bits: int, kind: str) -> Iterator[tuple[bool, str]]:
    """Yield remarks on how numbers become pixels, each with whether something is lost that nobody asked to lose."""
    scale, asked = found.scale, options.normalize != "auto" or options.colormap is not None
    ends = ("the first colour", "the last") if options.colormap else ("black", "white")
    rule = "clip" if found.pixels else "minmax"
    chosen = f"normalize auto chose {rule}" if options.normalize == "auto" else f"normalize {rule}"
    yield not found.pixels and not asked, f"{chosen}: {scale.low:g} is {ends[0]}, {scale.high:g} {ends[1]}"
    if plane.dtype.kind != "b" and (plane.dtype.kind == "f" or plane.dtype.itemsize * 8 > bits or not found.pixels):
        narrowed = found.pixels and not options.colormap and scale.high > found.top
        yield narrowed, f"{plane.dtype} written with {bits} bits"
    nans = int(np.isnan(plane).sum()) if plane.dtype.kind == "f" else 0
    if nans:
        yield True, f"{nans} NaN drawn {'magenta' if options.colormap else 'black'}"
    cut = 0 if found.pixels and options.normalize == "auto" else int(((plane < scale.low) | (plane > scale.high)).sum())
    if cut:
        yield True, f"{many(cut, 'value')} outside {scale.low:g}..{scale.high:g} cut off"
    if kind in BILEVEL:
        yield bool(((plane != 0) & (plane != scale.high)).any()), "black and white only: 128 and above is white"
    if kind in LOSSY_KINDS:
        yield False, LOSSY
    if (plane.ndim == 3 or options.colormap) and kind in PALETTES:
        yield plane.ndim == 3, "at most 256 colours kept"


def _finite(plane: Array) -> bool:
    return plane.dtype.kind != "f" or bool(np.isfinite(plane).all())


def _zoomed(pixels: Array, zoom: int) -> Array:
    """Repeat every pixel, up to the limit of pixels."""
    if zoom < 1:
        raise UsageError(f"a zoom of {zoom} is not a whole number of at least 1", Phrase("{zoom} or more", zoom=2))
    height, width = pixels.shape[:2]
    cells = height * width * zoom * zoom
    if zoom == 1:
        return pixels
    if cells > PIXELS:
        most = math.isqrt(PIXELS // (height * width))
        raise LimitError(
            f"zoom {zoom} would make {width * zoom}x{height * zoom} pixels, more than the limit of {PIXELS}",
            Phrase("{zoom}", zoom=most) if most > 1 else Phrase("leave out {zoom}"),
        )
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _encoded(pixels: Array, kind: str) -> Iterable[bytes]:
    """Write pixels with Pillow."""
    from PIL import Image

    height, width = pixels.shape[:2]
    settings = dict(SETTINGS.get(kind, {}))
    if kind == "ico":  # without sizes, Pillow would add a dozen smaller pictures, and silently shrink a large one
        if max(height, width) > ICON:
            raise ShapeError(f"{width}x{height} pixels are too many for an icon", f"an icon has at most {ICON}x{ICON}")
        settings["sizes"] = [(width, height)]
    file = BytesIO()
    try:
        with limited(None):  # which silences Pillow
            picture = Image.fromarray(np.ascontiguousarray(pixels))
            if kind in PILLOW_MODES:
                picture = picture.convert(PILLOW_MODES[kind], dither=Image.Dither.NONE)
            picture.save(file, WRITERS.get(kind, kind.upper()), **settings)
    except Exception as problem:  # each of Pillow's writers has its own limits and exceptions
        raise ShapeError(f"cannot write {width}x{height} pixels as {kind}: {problem}", PNG) from problem
    return (file.getvalue(),)
