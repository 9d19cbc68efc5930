"""Pictures: every format that Pillow reads or writes, to and from numbers.

Reading
-------
``gray`` is Pillow's ``L``: ITU-R 601-2 luma, L = R * 299/1000 + G * 587/1000 + B * 114/1000. Alpha is dropped. 16-bit
gray, 32-bit integers and floats stay what they are. Of several frames or pages one is read; the EXIF orientation is
applied. Each of these is noted.

Writing
-------
A map becomes pixels by ``normalize``. ``auto`` keeps numbers that are pixels: those of a type or an origin whose white
is known, all between 0 and white. Anything else is stretched as by ``minmax``: the smallest finite number is black, the
largest white, and a constant map lies in the middle. ``clip`` takes numbers as pixels and cuts off what lies below
black or above white. Halves are rounded up. NaN is black, or magenta in a colour map; infinities are black and white.
"""

from __future__ import annotations

import math
import re
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poolcli.colormaps import CENTRED, COLORMAPS, NAN_COLOR
from poolcli.errors import InputError, LimitError, PoolcliError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap, parse_layout, spatial_letters
from poolcli.formats.pngfile import write_png
from poolcli.limits import check_memory

if TYPE_CHECKING:
    from PIL import Image

    from poolcli.formats import ReadOptions, WriteOptions

Array = NDArray[Any]

CHANNELS = ("gray", "rgb")
NORMALIZE = ("auto", "clip", "minmax")
PIXELS = 89_478_485  # Pillow's own limit: a quarter of a GiB of RGB

# Pillow's names of a format where they are not ours in capitals: to read it, and to write it.
READERS: Mapping[str, str] = {
    "mpo": "JPEG",
    "pfm": "PPM",
    "pbm": "PPM",
}  # Pillow finds out by itself which JPEG is an MPO
WRITERS: Mapping[str, str] = {"pfm": "PPM", "pbm": "PPM"}
# The modules of those that Pillow would else import every plugin to find.
PLUGINS: Mapping[str, str] = {"jpeg2000": "Jpeg2K", "tiff": "Tiff", "webp": "WebP", "avif": "Avif"}
# Not opened: EPS and WMF run or need other programs, the others have no reader in Pillow.
CLOSED = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"})

# What Pillow calls a mode: what a gray reading converts to (step by step), and an RGB one.
GRAY_STEPS: Mapping[str, tuple[str, ...]] = {
    "1": ("L",), "L": (), "P": ("L",), "LA": ("L",), "La": ("LA", "L"), "PA": ("RGBA", "L"), "RGB": ("L",),
    "RGBA": ("L",), "RGBa": ("RGBA", "L"), "RGBX": ("RGB", "L"), "CMYK": ("RGB", "L"), "YCbCr": ("RGB", "L"),
    "HSV": ("RGB", "L"), "LAB": ("RGB", "L"),
}  # fmt: skip
RGB_STEPS: Mapping[str, tuple[str, ...]] = {
    "P": ("RGB",), "PA": ("RGBA", "RGB"), "RGB": (), "RGBA": ("RGB",), "RGBa": ("RGBA", "RGB"), "RGBX": ("RGB",),
    "CMYK": ("RGB",), "YCbCr": ("RGB",), "HSV": ("RGB",), "LAB": ("RGB",),
}  # fmt: skip
ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")

DEEP_COLOR = re.compile(r"\b(?:LA|RGB|RGBA|RGBX);16[BLN]?\b")  # what Pillow can decode to 8 bits only

ORIENTATION = 0x0112  # the EXIF tag
TURNS: Mapping[int, Callable[[Array], Array]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}

# Reading


def read(data: bytes, name: str, options: ReadOptions, kind: str) -> FeatureMap:
    """Read one picture."""
    if options.channels not in CHANNELS:
        raise UnknownNameError("channels", options.channels, CHANNELS)
    if data.startswith(b"\x89PNG"):
        _check_png(data, name)
    with _limited(options.max_pixels) as limit:
        try:
            picture = _opened(data, name, kind, strict=options.input_format is not None)
            _check_pixels(picture.size, limit, name)
            array, white, notes = _numbers(picture, name, options, limit)
        except PoolcliError:
            raise
        except Exception as problem:  # Pillow's many readers raise whatever they stumble over
            raise _read_error(problem, name, limit) from problem
    natural = "HW" if array.ndim == 2 else "HWC"
    notes += [f"dtype {array.dtype}", f"layout {natural} (a picture)"]
    if options.layout and parse_layout(options.layout) != natural:
        raise ShapeError(
            f"{name}: layout {options.layout.upper()} does not fit a picture, which is {natural}", "leave out --layout"
        )
    return FeatureMap.from_array(array, natural, name=name, white=white, notes=tuple(notes))


def _opened(data: bytes, name: str, kind: str, *, strict: bool) -> Image.Image:
    """Open a picture as what it seems to be, or else, unless that was demanded, as anything that Pillow knows."""
    from PIL import Image, UnidentifiedImageError

    if kind in PLUGINS:
        import_module(f"PIL.{PLUGINS[kind]}ImagePlugin")
    try:
        return Image.open(BytesIO(data), formats=[READERS.get(kind, kind.upper())])
    except UnidentifiedImageError:
        if strict:
            raise InputError(f"{name}: not a {kind} picture, or a damaged one", "leave out --input-format") from None
    Image.init()
    return Image.open(BytesIO(data), formats=[known for known in Image.ID if known not in CLOSED])


def _read_error(problem: Exception, name: str, limit: int) -> PoolcliError:
    """Say in poolcli's words what Pillow could not do."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(problem, Image.DecompressionBombError):
        return LimitError(f"{name}: more than {limit} pixels", "raise --max-pixels if you trust the file")
    if isinstance(problem, UnidentifiedImageError):
        return InputError(f"{name}: not a picture that can be read, or a damaged one", "check the file")
    if isinstance(problem, MemoryError):
        return LimitError(f"{name}: the picture does not fit into memory", "use a smaller picture")
    what = str(problem) or type(problem).__name__
    return InputError(f"{name}: the picture is damaged or cut off: {what}", "get the file again")


class _Guard:
    """Lets Pillow open as many pixels as poolcli does, and keeps its warnings quiet, while anyone reads.

    Both are global to the process, so readers in threads share one guard: the first sets it up, the last takes it down.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers = 0
        self.quiet = warnings.catch_warnings()
        self.before: int | None = None

    def enter(self, pixels: int | None) -> int:
        """Return the limit, after making sure that Pillow allows it."""
        from PIL import Image

        with self.lock:
            if not self.readers:
                self.quiet = warnings.catch_warnings()
                self.quiet.__enter__()
                warnings.simplefilter("ignore")
                self.before = Image.MAX_IMAGE_PIXELS
            self.readers += 1
            limit = pixels or self.before or PIXELS
            Image.MAX_IMAGE_PIXELS = limit if self.readers == 1 else max(limit, Image.MAX_IMAGE_PIXELS or PIXELS)
        return limit

    def leave(self) -> None:
        """Undo what `enter` did, if nobody reads any more."""
        from PIL import Image

        with self.lock:
            self.readers -= 1
            if not self.readers:
                Image.MAX_IMAGE_PIXELS = self.before
                self.quiet.__exit__(None, None, None)


_GUARD = _Guard()


@contextmanager
def _limited(pixels: int | None) -> Iterator[int]:
    if pixels is not None and pixels < 1:
        raise UsageError(f"a limit of {pixels} pixels lets no picture through", "use --max-pixels 100000000")
    limit = _GUARD.enter(pixels)
    try:
        yield limit
    finally:
        _GUARD.leave()


def _check_pixels(size: tuple[int, int], limit: int, name: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"{name}: a picture of {height}x{width} pixels", "it may be damaged")
    if width * height > limit:
        raise LimitError(
            f"{name}: {height}x{width} pixels are more than the limit of {limit}",
            f"add --max-pixels {width * height} if you trust the file",
        )
    check_memory(8 * width * height, f"a picture of {height}x{width} pixels", "use a smaller picture")


def _check_png(data: bytes, name: str) -> None:
    """Check every chunk's checksum; Pillow does so for some only, and flipped bits would pass as pixels."""
    offset = 8
    while True:
        start = data[offset : offset + 8]
        length = int.from_bytes(start[:4], "big")
        end = offset + 8 + length
        check = data[end : end + 4]
        if len(start) < 8 or len(check) < 4:
            raise InputError(f"{name}: cut off at byte {len(data)}, within the PNG data", "get the file again")
        kind = start[4:]
        if zlib.crc32(memoryview(data)[offset + 4 : end]) != struct.unpack(">I", check)[0]:
            raise InputError(f"{name}: damaged: wrong checksum of {kind.decode('latin-1')!a} at byte {offset}")
        if kind == b"IEND":
            return
        offset = end + 4


def _numbers(
    picture: Image.Image, name: str, options: ReadOptions, limit: int
) -> tuple[Array, float | None, list[str]]:
    """Return the pixels, what white is, and what was done to them."""
    notes = _choose_frame(picture, name, options.frame, limit)
    if any(DEEP_COLOR.search(str(tile[3])) for tile in getattr(picture, "tile", ())):
        notes.append(f"16-bit {picture.mode} read as 8 bits")
    picture.load()
    notes += _changes(picture, options.channels)
    orientation = _orientation(picture)
    array, white = _pixels(picture, options.channels)
    if turn := TURNS.get(orientation):
        array = np.ascontiguousarray(turn(array))
        notes.append(f"EXIF orientation {orientation} applied")
    return array, white, notes


def _choose_frame(picture: Image.Image, name: str, frame: int, limit: int) -> list[str]:
    """Go to a frame; say so if there are more."""
    frames = getattr(picture, "n_frames", 1)
    if not 0 <= frame < frames:
        there = "one frame" if frames == 1 else f"frames 0 to {frames - 1}"
        raise InputError(f"{name}: there is no frame {frame}, but {there}", "use --frame 0")
    if frames == 1:
        return []
    if frame:  # what was opened is the first; a Photoshop file has no other way back to it
        picture.seek(frame)
    _check_pixels(picture.size, limit, name)  # pages may differ
    return [f"frame {frame} of {frames}"]


def _changes(picture: Image.Image, channels: str) -> list[str]:
    mode = picture.mode
    notes = [f"picture mode {mode}"]
    if mode in ALPHA or (mode in ("P", "RGB", "L") and "transparency" in picture.info):
        notes.append("alpha dropped")
    if channels == "rgb" and mode not in RGB_STEPS:
        notes.append("one channel")
    return notes


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation; damaged metadata say nothing."""
    try:
        found = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 -- metadata may be anything, and the pixels are good
        return 1
    return found if isinstance(found, int) else 1


def _pixels(picture: Image.Image, channels: str) -> tuple[Array, float | None]:
    """Return an array of one channel, or of three if they are asked for and there."""
    steps = RGB_STEPS.get(picture.mode) if channels == "rgb" else None
    steps = GRAY_STEPS.get(picture.mode) if steps is None else steps
    if steps is not None:
        for mode in steps:
            picture = picture.convert(mode)
        return np.asarray(picture), 255
    array = np.asarray(picture)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if picture.mode.startswith("I;16"):
        return array, 65535
    if picture.mode == "I" and picture.format == "PPM":  # Pillow scales more than 8 bits to 16
        return array.astype(np.uint16), 65535
    return array, None


# Writing

# The modes that a format takes, if Pillow does not take L and RGB for it.
MODES: Mapping[str, str] = {
    "qoi": "RGB", "webp": "RGB", "avif": "RGB", "ico": "RGBA", "blp": "P", "palm": "P",
    "pbm": "1", "xbm": "1", "msp": "1",
}  # fmt: skip
LOSSES: Mapping[str, str] = {
    **dict.fromkeys(("jpeg", "mpo", "avif", "pdf"), "compressed with loss"),
    **dict.fromkeys(("pbm", "xbm", "msp"), "black and white only: 128 and above is white"),
}
PALETTES = ("gif", "blp", "palm")
DEEP = ("png", "tiff", "ppm", "jpeg2000")  # formats of 16-bit gray
EPOCH = time.struct_time((1980, 1, 1, 0, 0, 0, 1, 1, 0))  # where a format wants a date: the same bytes every time
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "jpeg": {"quality": 95},
    "mpo": {"quality": 95},
    "webp": {"lossless": True},
    "avif": {"quality": 90},
    "tiff": {"compression": "tiff_adobe_deflate"},
    "pdf": {"creationDate": EPOCH, "modDate": EPOCH},
}
ICON = 256  # the largest, each way
BAND_CELLS = 1 << 16
FULL: Mapping[str, float] = {"bool": 1, "uint8": 255, "uint16": 65535}  # white by the type


def write(feature_map: FeatureMap, options: WriteOptions, kind: str) -> Iterable[bytes]:
    """Write one plane, or three channels, as a picture."""
    plane = _plane(feature_map)
    if kind == "pfm":
        if plane.ndim == 3:
            raise ShapeError("Pillow writes float pictures of one channel, but the result has 3", "use -o output.npy")
        return _encoded(_zoomed(plane.astype(np.float32), options.zoom), kind)
    pixels = _zoomed(to_pixels(plane, feature_map.white, options, deep=kind in DEEP), options.zoom)
    if kind == "png":
        return write_png(pixels, compress_level=options.compress_level, text=options.text)
    return _encoded(pixels, kind)


def _plane(feature_map: FeatureMap) -> Array:
    """Return the map as (H, W) or (H, W, 3)."""
    values, layout = feature_map.values, feature_map.layout
    spatial = spatial_letters(layout)
    hint = "use --json or -o output.npy"
    if spatial == "DHW":
        raise ShapeError(f"a picture has two axes, but the result has three ({layout})", hint)
    if spatial == "L":
        values = values[..., None, :]
    channels = values.shape[-3] if "C" in layout else 1
    others = math.prod(values.shape[:-2]) // channels
    if others != 1:
        raise ShapeError(f"a picture is one map, but the result has {others} ({layout})", hint)
    if channels not in (1, 3):
        raise ShapeError(f"a picture has one channel or three, but the result has {channels}", hint)
    planes = values.reshape(channels, *values.shape[-2:])
    return planes[0] if channels == 1 else planes.transpose(1, 2, 0)


def to_pixels(plane: Array, white: float | None, options: WriteOptions, *, deep: bool = False) -> Array:
    """Return a map as the pixels of a picture.

    Parameters
    ----------
    plane : ndarray, shape (H, W) or (H, W, 3)
        Any numbers.
    white : float or None
        Which number is white, if the numbers are pixels.
    options : WriteOptions
        ``normalize`` and ``colormap``.
    deep : bool
        Whether 16 bits are welcome.

    Returns
    -------
    ndarray of uint8 or uint16
        Of the same shape; a colour map adds an axis of 3.

    Examples
    --------
    >>> from poolcli.formats import WriteOptions
    >>> to_pixels(np.array([[-1.0, 0.0, 3.0]]), None, WriteOptions())
    array([[  0,  64, 255]], dtype=uint8)
    """
    if options.normalize not in NORMALIZE:
        raise UnknownNameError("normalize rule", options.normalize, NORMALIZE)
    scale = _scale(plane, white, options, deep=deep)
    if options.colormap:
        return _colored(plane, scale, options.colormap)
    if scale.pixels and plane.dtype.name in ("uint8", "uint16") and scale.high == scale.top == FULL[plane.dtype.name]:
        return plane
    return _scaled(plane, scale.low, scale.high, scale.top)


@dataclass(frozen=True)
class Scale:
    """Which numbers become the first and the last of the gray levels or colours, and whether numbers are pixels."""

    low: float
    high: float
    top: int
    pixels: bool


def _scale(plane: Array, white: float | None, options: WriteOptions, *, deep: bool) -> Scale:
    white = white or FULL.get(plane.dtype.name)
    low, high = _bounds(plane)
    pixels = options.normalize == "clip" or (
        options.normalize == "auto" and white is not None and 0 <= low <= high <= white and _finite(plane)
    )
    if pixels:
        low, high = 0, white or 255
    if options.colormap in CENTRED:
        high = max(abs(low), abs(high))
        low = -high
    wide = deep and pixels and white == 65535 and plane.ndim == 2 and not options.colormap
    return Scale(low, high, 65535 if wide else 255, pixels)


def _colored(plane: Array, scale: Scale, name: str) -> Array:
    """Return the colours of a map."""
    if name not in COLORMAPS:
        raise UnknownNameError("colormap", name, COLORMAPS)
    if plane.ndim == 3:
        raise ShapeError("a colour map paints one channel, but the result has 3", "leave out --colormap")
    colors = np.frombuffer(COLORMAPS[name], np.uint8).reshape(256, 3)[_scaled(plane, scale.low, scale.high, scale.top)]
    if plane.dtype.kind == "f":
        colors[np.isnan(plane)] = NAN_COLOR
    return colors


def written_notes(feature_map: FeatureMap, options: WriteOptions, kind: str) -> Iterator[str]:
    """Say how numbers become pixels, and what a picture of this kind loses of them."""
    plane = _plane(feature_map)
    if kind == "pfm":
        if plane.dtype not in (np.float32, np.float16):
            yield f"{plane.dtype} written as float32"
        return
    scale = _scale(plane, feature_map.white, options, deep=kind in DEEP)
    ends = ("the first colour", "the last") if options.colormap else ("black", "white")
    rule = "clip" if scale.pixels else "minmax"
    chosen = f"normalize auto chose {rule}" if options.normalize == "auto" else f"normalize {rule}"
    yield f"{chosen}: {scale.low:g} is {ends[0]}, {scale.high:g} {ends[1]}"
    bits = 8 if scale.top == 255 else 16
    if plane.dtype.kind != "b" and (plane.dtype.kind == "f" or plane.dtype.itemsize * 8 > bits or not scale.pixels):
        yield f"{plane.dtype} written with {bits} bits"
    nans = int(np.isnan(plane).sum()) if plane.dtype.kind == "f" else 0
    if nans:
        yield f"{nans} NaN drawn {'magenta' if options.colormap else 'black'}"
    cut = int(((plane < scale.low) | (plane > scale.high)).sum())
    if cut:
        yield f"numbers beyond these, cut off: {cut}"
    if loss := LOSSES.get(kind):
        yield loss
    if (plane.ndim == 3 or options.colormap) and kind in PALETTES:
        yield "of the colours, at most 256 kept"


def _bounds(plane: Array) -> tuple[float, float]:
    """Return the smallest and the largest finite number; 0 and 0 if there is none."""
    low, high = float(plane.min()), float(plane.max())
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = np.isfinite(plane)
    if not finite.any():
        return 0.0, 0.0
    return (
        float(np.min(plane, where=finite, initial=math.inf)),
        float(np.max(plane, where=finite, initial=-math.inf)),
    )


def _finite(plane: Array) -> bool:
    return plane.dtype.kind != "f" or bool(np.isfinite(plane).all())


def _scaled(plane: Array, low: float, high: float, top: int) -> Array:
    """Return the place of each number between low and high, from 0 to top, halves rounded up; NaN is 0."""
    scaled = np.empty(plane.shape, np.uint8 if top < 256 else np.uint16)
    step = max(BAND_CELLS * len(plane) // plane.size, 1)
    half = 1.0 if math.isfinite(high - low) else 0.5  # so that no difference overflows
    low, span = low * half, high * half - low * half
    for start in range(0, len(plane), step):
        band = plane[start : start + step].astype(np.float64) * half - low
        if span == 0:
            band = np.where(np.isnan(band), np.nan, np.sign(band) * np.isinf(band) / 2 + 0.5) * top
        elif span != top:  # else a half stays a half
            band = band / span * top
        band = np.nan_to_num(np.clip(band, 0, top) + 0.5, nan=0.0)
        scaled[start : start + step] = band.astype(scaled.dtype)
    return scaled


def _zoomed(pixels: Array, zoom: int) -> Array:
    """Repeat every pixel, if that makes no monster."""
    if zoom < 1:
        raise UsageError(f"a zoom of {zoom} is not a whole number of at least 1", "use --zoom 2 or more")
    height, width = pixels.shape[:2]
    cells = height * width * zoom * zoom
    if zoom == 1:
        return pixels
    if cells > PIXELS:
        most = math.isqrt(PIXELS // (height * width))
        raise LimitError(
            f"zoom {zoom} would make {height * zoom}x{width * zoom} pixels, more than the limit of {PIXELS}",
            f"use --zoom {most}" if most > 1 else "leave out --zoom",
        )
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _encoded(pixels: Array, kind: str) -> Iterable[bytes]:
    """Write pixels with Pillow."""
    from PIL import Image

    height, width = pixels.shape[:2]
    settings = dict(SETTINGS.get(kind, {}))
    if kind == "ico":  # without sizes, Pillow would add a dozen shrunken pictures, and shrink a large one in silence
        if max(height, width) > ICON:
            raise ShapeError(f"{height}x{width} pixels are too many for an icon", f"an icon has at most {ICON}x{ICON}")
        settings["sizes"] = [(width, height)]
    file = BytesIO()
    try:
        with _limited(None):  # for its quiet
            picture = Image.fromarray(np.ascontiguousarray(pixels))
            if kind in MODES:
                picture = picture.convert(MODES[kind], dither=Image.Dither.NONE)
            picture.save(file, WRITERS.get(kind, kind.upper()), **settings)
    except Exception as problem:  # each of Pillow's writers has limits and exceptions of its own
        raise ShapeError(f"cannot write {height}x{width} pixels as {kind}: {problem}", "use -o output.png") from problem
    return (file.getvalue(),)
