"""Reading pictures: every format that Pillow reads becomes numbers.

``gray`` is Pillow's ``L``: ITU-R 601-2 luma, L = R * 299/1000 + G * 587/1000 + B * 114/1000. Alpha is dropped. 16-bit
gray, 32-bit integers and floats keep their type. Of several frames or pages one is read, and the EXIF orientation is
applied. All of this is noted.

numpy is imported after decoding, which needs no Python, so that another thread can import what comes after
(see `poolcli.cli.pipeline`).
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import InputError, LimitError, PoolcliError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap, parse_layout
from poolcli.formats import netpbm
from poolcli.formats.missing import without_missing
from poolcli.formats.options import GRAYED, ReadOptions
from poolcli.formats.png_chunks import SIGNATURE, check_rows, checked, comes_in_one_go, plain
from poolcli.system.limits import check_memory
from poolcli.system.mute import unheard
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    Array = NDArray[Any]

TIFF = (b"II", b"MM")  # the first bytes of its files, in either byte order
CHANNELS = ("gray", "rgb")
ALL = "all"
NARROWED = "read as"  # in a note that the file holds more
SEEN_THROUGH = "some pixels are not opaque, but are read as opaque"
GDAL_NODATA, SAMPLE_FORMAT, UNSIGNED = 42113, 339, (1,)  # tags of a TIFF, and the value for unsigned integers
PIXELS = 89_478_485  # Pillow's own limit: a quarter of a GiB of RGB

# Pillow's names for formats, where they are not ours in capitals; Pillow itself finds out which JPEG is an MPO.
READERS: Mapping[str, str] = {"mpo": "JPEG", "pfm": "PPM", "pbm": "PPM"}
# Pillow's modules for these, which it would otherwise import every plugin to find.
PLUGINS: Mapping[str, str] = {"jpeg2000": "Jpeg2K", "tiff": "Tiff", "webp": "WebP", "avif": "Avif"}
# Not opened: EPS and WMF run or need other programs, the others have no reader in Pillow.
CLOSED = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"})

# By Pillow's modes: the conversions that lead to gray, one after the other, and those that lead to RGB.
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

DEEP_COLOR = re.compile(r"\b(?:LA|RGB|RGBA|RGBX);16[BLN]?\b")  # Pillow decodes it to 8 bits only

ORIENTATION = 0x0112  # the EXIF tag
DROPPED = {  # by their names in Pillow, and by the chunks of a plain PNG
    "dpi": "resolution", "pHYs": "resolution", "icc_profile": "colour profile", "iCCP": "colour profile",
    "exif": "EXIF",
}  # fmt: skip
NO_DPI = ((1, 1), (72, 72))  # what Pillow says where there is none
PIXEL_SCALE, TIE_POINT, GEO_KEYS = 33550, 33922, 34735  # GeoTIFF's tags
CELL_CENTRES = (1025, 0, 1, 2)  # the key that says that the tie point is the centre of a cell, not its corner
TURNS: Mapping[int, Callable[[Array], Array]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}

LIBRARIES: Mapping[str, tuple[str, ...]] = {  # Pillow's names for the libraries that formats need
    "png": ("zlib_ng", "zlib"), "jpeg": ("libjpeg_turbo", "jpg"), "tiff": ("libtiff",), "webp": ("webp",),
    "avif": ("avif",), "jpeg2000": ("jpg_2000",),
}  # fmt: skip


def libraries() -> Iterator[tuple[str, str]]:
    """Yield each format that needs a library, with the library and its version, or an empty text if it is missing."""
    from PIL import features

    for name, candidates in LIBRARIES.items():
        yield name, next((f"{each} {features.version(each)}" for each in candidates if features.check(each)), "")


def read(data: bytes, name: str, options: ReadOptions, kind: str) -> FeatureMap:
    """Read one picture, or every frame of one."""
    if options.channels not in CHANNELS:
        raise UnknownNameError("channels", options.channels, CHANNELS)
    frame = _frame_asked(options.frame)
    chunks = checked(data, name) if data.startswith(SIGNATURE) else []
    head = netpbm.header_of(data)
    with limited(options.max_pixels) as limit, unheard(needed=data.startswith(TIFF)):
        if head and head.most != 255 and frame in (0, ALL):
            _check_pixels((head.width, head.height), limit, name)
            found = _whole_range(netpbm.read(data, head, name), head.most, options.channels)
            return _feature_map(found, name, options.layout)
        try:
            if packed := plain(chunks):
                _check_pixels(packed.size, limit, name)
                picture, room = packed.unpacked()
                picture.info.update(dict.fromkeys(chunk.kind.decode("latin-1") for chunk in chunks))
            else:
                picture, room = _opened(data, name, kind, strict=options.input_format is not None), None
                _check_pixels(picture.size, limit, name)
            found = _found(picture, name, frame, limit, options.channels, room)
            if chunks and not (comes_in_one_go(chunks) and _has_last_row(picture)):
                check_rows(chunks, name)
        except PoolcliError:
            raise
        except Exception as problem:  # Pillow's many readers raise anything
            raise _read_error(problem, name, limit) from problem
    return _feature_map(found, name, options.layout)


class Pixels(NamedTuple):
    """The pixels of a picture, and notes about them."""

    array: Array  # (H, W), (H, W, 3), or frames of them
    white: float | None  # the number that is white, if the numbers are pixels
    notes: list[str]
    moving: bool = False  # whether the first axis holds frames
    nodata: tuple[float, ...] = ()  # the number that means no value in the file
    place: Mapping[str, Any] | None = None  # where the cells lie on Earth


def _frame_asked(frame: int | str) -> int | str:
    if frame != ALL and not re.fullmatch(r"-?[0-9]{1,9}", str(frame)):
        advice = Phrase("{frame}", frame=0) + " or " + Phrase("{frame}", frame=ALL)
        raise UsageError(f"the frame {frame!r} is neither a number from 0 nor {ALL}", advice)
    return ALL if frame == ALL else int(frame)


def _whole_range(array: Array, most: int, channels: str) -> Pixels:
    """Return the numbers of a PGM or PPM."""
    notes = [f"maximum {most} (from the file)"]
    if array.ndim == 3 and channels == "gray":
        return Pixels(netpbm.luma(array), most, [*notes, GRAYED])
    return Pixels(array, most, notes)


def _feature_map(found: Pixels, name: str, layout: str | None) -> FeatureMap:
    array, notes = found.array, list(found.notes)
    natural = ("D" if found.moving else "") + ("HWC" if array.ndim - found.moving == 3 else "HW")
    notes += [f"dtype {array.dtype}", f"layout {natural} (a picture)"]
    line = natural == "HW" and 1 in array.shape
    if layout and parse_layout(layout) not in (natural, "L" if line else natural):
        raise ShapeError(
            f"{name}: layout {layout.upper()} does not fit a picture, which is {natural}", Phrase("leave out {layout}")
        )
    feature_map = FeatureMap.from_array(
        array, layout or natural, name=name, white=found.white, notes=tuple(notes),
        origin={"picture": array.dtype.name, **({"grid": found.place} if found.place else {})},
        warnings=tuple(note for note in notes if NARROWED in note or note == SEEN_THROUGH),
    )  # fmt: skip
    return without_missing(feature_map, found.nodata, "GDAL_NODATA of the file", said=True)


def feature_map_of_picture(picture: Image.Image) -> FeatureMap:
    """Return a program's picture, with its pixels as they are in memory and each colour by itself."""
    array, white = _pixels(picture, "rgb")
    name = str(getattr(picture, "filename", "") or "picture")
    return _feature_map(Pixels(array, white, _changes(picture, "rgb")), name, None)


def _opened(data: bytes, name: str, kind: str, *, strict: bool) -> Image.Image:
    """Open a picture as what it seems to be, or else, unless `strict`, as anything that Pillow knows."""
    from PIL import Image, UnidentifiedImageError

    if kind in PLUGINS:
        import_module(f"PIL.{PLUGINS[kind]}ImagePlugin")
    try:
        return Image.open(BytesIO(data), formats=[READERS.get(kind, kind.upper())])
    except UnidentifiedImageError:
        if strict:
            raise InputError(
                f"{name}: not a {kind} picture, or a damaged one", Phrase("leave out {input_format}")
            ) from None
    Image.init()
    return Image.open(BytesIO(data), formats=[known for known in Image.ID if known not in CLOSED])


def _read_error(problem: Exception, name: str, limit: int) -> PoolcliError:
    """Turn Pillow's error into one of ours."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(problem, Image.DecompressionBombError):
        return LimitError(f"{name}: more than {limit} pixels", Phrase("raise {max_pixels} if you trust the file"))
    if isinstance(problem, UnidentifiedImageError):
        return InputError(f"{name}: not a picture that can be read, or a damaged one", "check the file")
    if isinstance(problem, MemoryError):
        return LimitError(f"{name}: the picture does not fit into memory", "use a smaller picture")
    what = str(problem) or type(problem).__name__
    return InputError(f"{name}: the picture is damaged or cut off: {what}", "get the file again")


class _Guard:
    """Lets Pillow open as many pixels as poolcli does, and silences its warnings, while anyone reads.

    Both are global to the process, so threads share one guard: the first reader sets it up, the last takes it down.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers = 0
        self.quiet = warnings.catch_warnings()
        self.before: int | None = None

    @contextmanager
    def limited(self, pixels: int | None) -> Iterator[int]:
        """Let Pillow open so many pixels, or as many as it would, and silence it; yield the limit."""
        from PIL import Image

        if pixels is not None and pixels < 1:
            raise UsageError(
                f"a limit of {pixels} pixels lets no picture through", Phrase("{max_pixels}", max_pixels=100_000_000)
            )
        with self.lock:
            if not self.readers:
                self.quiet = warnings.catch_warnings()
                self.quiet.__enter__()
                warnings.simplefilter("ignore")
                self.before = Image.MAX_IMAGE_PIXELS
            self.readers += 1
            limit = pixels or self.before or PIXELS
            Image.MAX_IMAGE_PIXELS = limit if self.readers == 1 else max(limit, Image.MAX_IMAGE_PIXELS or PIXELS)
        try:
            yield limit
        finally:
            with self.lock:
                self.readers -= 1
                if not self.readers:
                    Image.MAX_IMAGE_PIXELS = self.before
                    self.quiet.__exit__(None, None, None)


limited = _Guard().limited


def _check_pixels(size: tuple[int, int], limit: int, name: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"{name}: a picture of {width}x{height} pixels", "it may be damaged")
    if width * height > limit:
        raise LimitError(
            f"{name}: {width}x{height} pixels are more than the limit of {limit}",
            Phrase("add {max_pixels} if you trust the file", max_pixels=width * height),
        )
    check_memory(8 * width * height, f"a picture of {width}x{height} pixels", "use a smaller picture")


def _has_last_row(picture: Image.Image) -> bool:
    """Whether the last row is not all zeros, as it would be if it were missing."""
    return any(picture.crop((0, picture.height - 1, *picture.size)).tobytes())


def _found(
    picture: Image.Image, name: str, frame: int | str, limit: int, channels: str, room: bytearray | None = None
) -> Pixels:
    """Unpack a frame, or all of them one after the other."""
    import numpy as np

    if not isinstance(frame, int):
        frames = getattr(picture, "n_frames", 1)
        each = [_found(picture, name, index, limit, channels, room) for index in range(frames)]
        if len({one.array.shape for one in each}) > 1:
            raise InputError(f"{name}: its frames have different sizes", Phrase("{frame}", frame=0))
        check_memory(8 * frames * each[0].array.size, f"{frames} frames", "read one frame")
        return each[0]._replace(
            array=np.stack([one.array for one in each]), moving=True, notes=[f"all {frames} frames", *each[0].notes]
        )
    notes = _choose_frame(picture, name, frame, limit)
    if any(DEEP_COLOR.search(str(tile[3])) for tile in getattr(picture, "tile", ())):
        notes.append(f"16-bit {picture.mode} {NARROWED} 8 bits")
    if any(str(tile[3]).startswith("F;64") for tile in getattr(picture, "tile", ())):
        notes.append(f"64-bit floats {NARROWED} 32 bits")
    picture.load()
    notes += _changes(picture, channels)
    orientation = _orientation(picture)
    array, white = _pixels(picture, channels, room)
    if turn := TURNS.get(orientation):
        array = turn(array).copy()
        notes.append(f"EXIF orientation {orientation} applied")
    nodata = _nodata(picture)
    return Pixels(array, white, notes, nodata=nodata, place=_place(picture, nodata) if not turn else None)


def _place(picture: Image.Image, nodata: Sequence[float]) -> dict[str, Any] | None:
    """Return where a GeoTIFF says that its cells lie, as an ESRI grid says it, unless they are turned."""
    tags = getattr(picture, "tag_v2", {})
    scale, tie, keys = (tags.get(tag, ()) for tag in (PIXEL_SCALE, TIE_POINT, GEO_KEYS))
    if len(scale) < 2 or len(tie) != 6 or min(scale[:2]) <= 0:
        return None
    (across, down), (column, row, _, x, y, _) = scale[:2], tie
    half = 0.5 if any(tuple(keys[at : at + 4]) == CELL_CENTRES for at in range(4, len(keys), 4)) else 0
    below = picture.height - row - half
    return {
        "x": x - (column + half) * across, "y": y - below * down, "cell": across if across == down else None,
        "shape": [picture.height, picture.width], "nodata": next(iter(nodata), None),
    }  # fmt: skip


def _nodata(picture: Image.Image) -> tuple[float, ...]:
    """Return the number that means no value in a TIFF, if the numbers are the file's own."""
    text = str(getattr(picture, "tag_v2", {}).get(GDAL_NODATA, "")).strip(" \0")
    if not text or GRAY_STEPS.get(picture.mode):
        return ()
    try:
        return (float(text),)
    except ValueError:
        return ()


def _choose_frame(picture: Image.Image, name: str, frame: int, limit: int) -> list[str]:
    """Go to a frame; return a note if there are more."""
    frames = max(getattr(picture, "n_frames", 1), 1)  # a Photoshop file without layers has 0 frames, but a picture
    if not 0 <= frame < frames:
        there = "one frame" if frames == 1 else f"frames 0 to {frames - 1}"
        raise InputError(f"{name}: there is no frame {frame}, only {there}", Phrase("{frame}", frame=0))
    if frames == 1:
        return []
    if frame:  # the first is open already, and a Photoshop file cannot go back to it
        picture.seek(frame)
    _check_pixels(picture.size, limit, name)  # pages may differ
    return [f"frame {frame} of {frames}"]


def _changes(picture: Image.Image, channels: str) -> list[str]:
    mode = picture.mode
    notes = [f"picture mode {mode}"]
    if mode in ALPHA or (mode in ("P", "RGB", "L") and "transparency" in picture.info):
        notes += ["alpha dropped", *([SEEN_THROUGH] if mode in ALPHA and not _opaque(picture) else [])]
    if channels == "gray" and mode in RGB_STEPS:
        notes.append(GRAYED)
    elif channels == "rgb" and mode not in RGB_STEPS:
        notes.append("one channel")
    placed = ["place on the map"] * (PIXEL_SCALE in getattr(picture, "tag_v2", ()) and not _place(picture, ()))
    there = [DROPPED[key] for key in DROPPED if picture.info.get(key, NO_DPI[0]) not in NO_DPI]
    return notes + [f"{what} dropped" for what in (*there, *placed)]


def _opaque(picture: Image.Image) -> bool:
    """Whether every pixel of a picture with alpha is opaque."""
    return bool(picture.getchannel(picture.getbands()[-1]).getextrema()[0] == 255)


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, or 1 if the metadata are damaged."""
    try:
        found = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 -- metadata may be anything, and the pixels are good
        return 1
    return found if isinstance(found, int) else 1


def _pixels(picture: Image.Image, channels: str, room: bytearray | None = None) -> tuple[Array, float | None]:
    """Return an array of one channel, or of three if they exist and `channels` asks for them."""
    steps = RGB_STEPS.get(picture.mode) if channels == "rgb" else None
    steps = GRAY_STEPS.get(picture.mode) if steps is None else steps
    if steps is not None:
        for mode in steps:
            picture = picture.convert(mode)
        return _array(picture, room), 255
    array = _array(picture, room)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if picture.mode.startswith("I;16"):
        return array, 65535
    if picture.mode == "I" and getattr(picture, "tag_v2", {}).get(SAMPLE_FORMAT) == UNSIGNED:
        array = array.view("uint32")
    return array, None


def _array(picture: Image.Image, room: bytearray | None) -> Array:
    """Return the pixels of a picture, without a copy if they are in our own memory."""
    import numpy as np

    if room is None:
        return np.asarray(picture)
    return np.frombuffer(room, "<u2" if picture.mode == "I;16" else "u1").reshape(picture.height, picture.width)
