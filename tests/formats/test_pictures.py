"""Pictures: the pixels that are meant, in and out, and no picture that is not."""

from __future__ import annotations

import io
import math
import struct
import threading
import warnings
import zlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from poolcli.colors import COLORMAPS, NAN_COLOR, interpolated
from poolcli.colors import table as colors_of
from poolcli.errors import InputError, LimitError, PoolcliError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode, pictures_out
from poolcli.formats import pictures_in as opening
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.pictures_in import CLOSED, READERS
from poolcli.formats.pictures_out import WRITERS
from poolcli.formats.png_chunks import checked, plain
from poolcli.formats.png_file import write_png
from poolcli.formats.registry import FORMATS
from tests.support import drawn
from tests.support.hints import typed
from tests.support.process import Run
from tests.support.rows import in_turn

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (5, 6, 3), np.uint8)
# ITU-R 601-2 luma as Pillow computes it: in 16-bit fixed point, rounded
GRAY = ((RGB.astype(np.int64) * [19595, 38470, 7471]).sum(axis=2) + 0x8000) >> 16


def saved(picture: Image.Image, kind: str = "png", **settings: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **settings)
    return file.getvalue()


def read(data: bytes, name: str = "x.png", **options: Any) -> FeatureMap:
    return decode(data, name, ReadOptions(**options))


def written(values: Any, layout: str | None = None, white: float | None = None, **options: Any) -> bytes:
    feature_map = FeatureMap.from_array(np.asarray(values), layout, white=white)
    return b"".join(encode(feature_map, WriteOptions(**{"format": "png", **options})))


def pixels(data: bytes) -> np.ndarray[Any, Any]:
    """What Pillow sees in a file."""
    return np.asarray(Image.open(io.BytesIO(data)))


def refused(data: bytes, kind: type[PoolcliError] = InputError, **options: Any) -> PoolcliError:
    with pytest.raises(kind) as caught:
        read(data, **options)
    return caught.value


# --- reading: every mode


def test_luma_is_pillows() -> None:
    np.testing.assert_array_equal(GRAY, np.asarray(Image.fromarray(RGB).convert("L")))
    assert abs(GRAY - RGB @ [0.299, 0.587, 0.114]).max() < 0.51


COLOR = Image.fromarray(RGB)
ALPHA = Image.fromarray(np.dstack([RGB, np.full(RGB.shape[:2], 7, np.uint8)]))


@pytest.mark.parametrize(
    ("picture", "kind", "gray", "rgb", "notes"),
    [
        (COLOR, "png", GRAY, RGB, []),
        (ALPHA, "png", GRAY, RGB, ["alpha dropped"]),
        (ALPHA, "tiff", GRAY, RGB, ["alpha dropped"]),
        (COLOR.convert("L"), "png", GRAY, GRAY, []),
        (ALPHA.convert("LA"), "png", GRAY, GRAY, ["alpha dropped"]),
        (COLOR.quantize(256), "png", GRAY, RGB, []),
        (COLOR.quantize(256), "gif", GRAY, RGB, []),
        (COLOR, "bmp", GRAY, RGB, []),
        (COLOR, "ppm", GRAY, RGB, []),
        (COLOR, "tga", GRAY, RGB, []),
        (COLOR, "qoi", GRAY, RGB, []),
    ],
)
def test_eight_bit_modes(picture: Image.Image, kind: str, gray: Any, rgb: Any, notes: list[str]) -> None:
    data = saved(picture, kind)
    one = read(data, f"x.{kind}")
    assert (one.layout, one.values.dtype.name, one.white) == ("HW", "uint8", 255)
    np.testing.assert_array_equal(one.values, gray)
    three = read(data, f"x.{kind}", channels="rgb")
    assert three.layout == ("HWC" if rgb is RGB else "HW")
    np.testing.assert_array_equal(three.array, rgb)
    for note in notes:
        assert note in one.notes


@pytest.mark.parametrize(
    ("kind", "given", "dropped"),
    [
        ("png", {"dpi": (300, 300)}, ["resolution"]),
        ("tiff", {"dpi": (300, 300)}, ["resolution"]),
        ("png", {"dpi": (300, 300), "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
         ["colour profile", "resolution"]),
        ("jpeg", {"exif": b"Exif\0\0II*\0\b\0\0\0\0\0\0\0\0\0"}, ["EXIF"]),
        ("tiff", {"tiffinfo": {33550: (1.0, 1.0, 0.0)}}, ["place on the map"]),
        ("png", {}, []),
    ],
)  # fmt: skip
def test_what_a_result_does_not_keep_is_noted(kind: str, given: dict[str, Any], dropped: list[str]) -> None:
    notes = read(saved(COLOR.convert("L"), kind, **given), f"x.{kind}").notes
    assert sorted(str(note) for note in notes if "dropped" in str(note)) == [f"{what} dropped" for what in dropped]


def test_one_bit_is_black_and_white() -> None:
    bits = RNG.integers(0, 2, (3, 9)).astype(bool)
    feature_map = read(saved(Image.fromarray(bits)))
    assert feature_map.white == 255
    np.testing.assert_array_equal(feature_map.values, bits * np.uint8(255))


@pytest.mark.parametrize("kind", ["png", "tiff", "ppm"])
def test_sixteen_bits_stay_exact(kind: str) -> None:
    deep = RNG.integers(0, 65536, (4, 5), np.uint16)
    deep[0, :2] = 0, 65535
    feature_map = read(saved(Image.fromarray(deep), kind), f"x.{kind}")
    assert (feature_map.values.dtype.name, feature_map.white) == ("uint16", 65535)
    np.testing.assert_array_equal(feature_map.values, deep)


def test_big_endian_sixteen_bits() -> None:
    deep = np.array([[1, 256, 65535]], np.uint16)
    picture = Image.frombytes("I;16B", (3, 1), deep.astype(">u2").tobytes())
    values = read(saved(picture, "tiff"), "x.tiff").values
    assert values.dtype.isnative
    np.testing.assert_array_equal(values, deep)


def test_sixteen_bit_colours_are_said_to_be_narrowed() -> None:
    row = b"\0" + np.array([[0x1234, 0xFFFF, 0x00FF]], ">u2").tobytes()
    data = png(struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0), row)
    feature_map = read(data, channels="rgb")
    assert "16-bit RGB read as 8 bits" in feature_map.notes
    assert feature_map.array.tolist() == [[[0x12, 0xFF, 0x00]]]


def test_integers_and_floats_stay_what_they_are() -> None:
    whole = np.array([[-(2**31), 70000, 5]], np.int32)
    feature_map = read(saved(Image.fromarray(whole), "tiff"), "x.tiff")
    assert (feature_map.values.dtype.name, feature_map.white) == ("int32", None)
    np.testing.assert_array_equal(feature_map.values, whole)
    real = np.array([[-1.5, math.inf, 1e-30]], np.float32)
    feature_map = read(saved(Image.fromarray(real), "tiff"), "x.tiff")
    assert (feature_map.values.dtype.name, feature_map.white) == ("float32", None)
    np.testing.assert_array_equal(feature_map.values, real)
    np.testing.assert_array_equal(read(written(real, format="pfm"), "x.pfm").values, real)


@pytest.mark.parametrize(
    ("mode", "color", "gray"),
    [
        ("CMYK", (0, 0, 0, 0), 255),
        ("CMYK", (255, 255, 255, 255), 0),
        ("CMYK", (255, 0, 0, 0), 179),  # cyan is (0, 255, 255): 0.587 * 255 + 0.114 * 255 = 178.8
        ("YCbCr", (100, 128, 128), 100),
        ("HSV", (0, 0, 200), 200),
        ("HSV", (0, 255, 255), 76),  # red: 0.299 * 255 = 76.2
        ("LAB", (255, 128, 128), 255),
        ("RGBX", (255, 0, 0, 9), 76),
        ("RGBa", (100, 100, 100, 255), 100),
        ("La", (100, 255), 100),
        ("PA", (0, 9), 0),
    ],
)
def test_rarer_modes(monkeypatch: pytest.MonkeyPatch, mode: str, color: Any, gray: int) -> None:
    """No format that Pillow writes holds all of these, so a picture stands in for what it opened."""
    picture = Image.new(mode, (2, 1), color)
    picture.format = "TIFF"
    monkeypatch.setattr(Image, "open", lambda *_, **__: picture)
    for channels in ("gray", "rgb"):
        feature_map = read(saved(COLOR, "bmp"), channels=channels)
        assert abs(feature_map.values.astype(int) - gray).max() <= (1 if channels == "gray" else 255)
    assert read(saved(COLOR, "bmp")).values.tolist() == pytest.approx(np.array([[gray, gray]]), abs=1)


def test_a_cmyk_jpeg() -> None:
    data = saved(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "jpeg")
    assert (read(data, "x.jpg").values == 255).all()


# --- reading: orientation, frames


@pytest.mark.parametrize(
    ("orientation", "seen"),
    [
        (1, [[1, 2, 3], [4, 5, 6]]), (2, [[3, 2, 1], [6, 5, 4]]), (3, [[6, 5, 4], [3, 2, 1]]),
        (4, [[4, 5, 6], [1, 2, 3]]), (5, [[1, 4], [2, 5], [3, 6]]), (6, [[4, 1], [5, 2], [6, 3]]),
        (7, [[6, 3], [5, 2], [4, 1]]), (8, [[3, 6], [2, 5], [1, 4]]), (99, [[1, 2, 3], [4, 5, 6]]),
    ],
)  # fmt: skip
def test_the_exif_orientation_is_applied(orientation: int, seen: list[list[int]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    feature_map = read(saved(picture, exif=exif))
    assert feature_map.values.tolist() == seen
    assert feature_map.values.flags.c_contiguous
    assert (f"EXIF orientation {orientation} applied" in feature_map.notes) == (2 <= orientation <= 8)
    np.testing.assert_array_equal(read(saved(picture.convert("RGB"), exif=exif), channels="rgb").values[0], seen)


def test_damaged_exif_does_not_matter() -> None:
    data = saved(Image.fromarray(RGB), exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff\x01\x12\0\x03")
    np.testing.assert_array_equal(read(data).values, GRAY)


FRAMES = [Image.new("L", (4, 3), shade) for shade in (10, 20, 30)]


@pytest.mark.parametrize("kind", ["gif", "tiff", "webp", "png"])
def test_frames_and_pages(kind: str) -> None:
    extra = {"lossless": True} if kind == "webp" else {}
    data = saved(
        FRAMES[0].convert("RGB"), kind, save_all=True, append_images=[f.convert("RGB") for f in FRAMES[1:]], **extra
    )
    first = read(data, f"x.{kind}")
    assert (first.values == 10).all()
    assert "frame 0 of 3" in first.notes
    assert (read(data, f"x.{kind}", frame=2).values == 30).all()
    for frame in (3, -1):
        problem = refused(data, name=f"x.{kind}", frame=frame)
        assert problem.message == f"x.{kind}: there is no frame {frame}, only frames 0 to 2"
    assert "only one frame" in refused(saved(COLOR), frame=1).message


def test_a_page_over_the_limit_is_stopped_even_if_the_first_is_not() -> None:
    data = saved(Image.new("L", (4, 4)), "tiff", save_all=True, append_images=[Image.new("L", (40, 40))])
    assert read(data, "x.tiff", max_pixels=100).shape == (4, 4)
    refused(data, LimitError, name="x.tiff", max_pixels=100, frame=1)


# --- reading: accidents and attacks


def png(header: bytes, rows: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG made by hand."""
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "P", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("beside", ["", "text", "exif in text", "transparent", "turned"])
def test_plain_and_other_files_read_alike(monkeypatch: pytest.MonkeyPatch, mode: str, beside: str) -> None:
    """Plain files take a short way of their own; the long way, Pillow's, gives the same numbers and notes."""
    picture = Image.fromarray(RNG.integers(0, 65536, (5, 6), np.uint16)) if mode == "I;16" else ALPHA.convert(mode)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment" if beside == "text" else "Raw profile type exif", "\nexif\n 4\n00000000\n")
    turned = Image.Exif()
    turned[0x0112] = 6
    more: dict[str, dict[str, Any]] = {"turned": {"exif": turned}, "text": {"pnginfo": text},
                                       "exif in text": {"pnginfo": text}}  # fmt: skip
    if mode in ("L", "P", "RGB"):
        more["transparent"] = {"transparency": (1, 2, 3) if mode == "RGB" else 3}
    data = saved(picture, **more.get(beside, {}))
    short = plain(checked(data, "x.png")) is not None
    assert short == (mode not in "1P" and (beside in ("", "text") or beside not in more))
    one = outcome(data)
    monkeypatch.setattr(opening, "plain", lambda _: None)
    assert outcome(data) == one


def outcome(data: bytes) -> Any:
    """All that reading tells."""
    found = [read(data, channels=channels) for channels in ("gray", "rgb")]
    return [(one.values.tolist(), one.values.dtype, one.white, one.layout, one.notes) for one in found]


def test_gray_pixels_are_unpacked_where_they_stay() -> None:
    pixels = RNG.integers(0, 256, (50, 70), np.uint8)
    packed = plain(checked(saved(Image.fromarray(pixels)), "x.png"))
    assert packed is not None
    room = packed.unpacked()[1]
    assert room is not None
    np.testing.assert_array_equal(np.frombuffer(room, np.uint8).reshape(50, 70), pixels)


@pytest.mark.parametrize(
    ("bits", "color", "interlaced", "size"),
    [
        (8, 0, 0, 9), (16, 0, 0, 15), (8, 2, 0, 21), (8, 6, 0, 27), (1, 0, 0, 6), (4, 0, 0, 6), (1, 0, 1, 10),
        (8, 2, 1, 23),
    ],
)  # fmt: skip
def test_missing_rows_are_not_taken_as_black(bits: int, color: int, interlaced: int, size: int) -> None:
    """3 rows of 2 pixels, or, interlaced, 1, 1, 2 of 1 pixel and 1 of 2; each row has a byte more for its filter."""
    header = struct.pack(">IIBBBBB", 2, 3, bits, color, 0, 0, interlaced)
    assert not read(png(header, bytes(size))).values.any()
    for length in range(size):
        assert refused(png(header, bytes(length))).message.startswith("x.png: the picture is ")


def test_a_png_cut_off_at_any_byte() -> None:
    data = saved(COLOR)
    for length in range(8, len(data)):
        message = refused(data[:length]).message
        assert message.startswith(f"x.png: cut off at byte {length}")
    for length in range(1, 8):
        refused(data[:length])


def test_a_bit_flipped_anywhere_in_a_png() -> None:
    data = bytearray(saved(COLOR))
    for at in range(8 * 8, 8 * len(data)):
        data[at // 8] ^= 1 << at % 8
        refused(bytes(data))
        data[at // 8] ^= 1 << at % 8


@pytest.mark.parametrize("kind", ["jpeg", "gif", "tiff", "webp", "bmp", "ppm", "jpeg2000", "avif", "ico", "tga"])
def test_other_pictures_cut_off_at_any_byte(kind: str) -> None:
    """Where the cut hides nothing, the numbers may come; else there is one clear error."""
    data = saved(COLOR.resize((32, 24)), kind)
    name = f"x{FORMATS['jpeg' if kind == 'jpeg' else kind].extensions[0]}"
    whole = read(data, name).values
    for length in [*range(1, 200), *range(200, len(data), 7)]:
        try:
            values = read(data[:length], name).values
        except PoolcliError as problem:
            assert problem.exit_code == 1  # noqa: PT017 -- most raise, some need not
            continue
        assert values.shape == whole.shape or length < 60


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["jpeg", "gif", "tiff", "webp", "bmp", "ppm", "ico", "tga", "pcx", "sgi"]), drawn.by(drawn.it))
def test_flipped_bytes_give_pixels_or_an_error(kind: str, draw: Random) -> None:
    spoiled = bytearray(saved(COLOR, kind))
    for _ in range(draw.randint(1, 5)):
        spoiled[draw.randrange(len(spoiled))] = draw.randrange(256)
    try:
        values = read(bytes(spoiled), f"x.{kind}", max_pixels=1_000_000).values
    except PoolcliError:
        return
    assert values.ndim == 2


def test_a_bomb_is_not_unpacked() -> None:
    data = png(struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0), b"")
    problem = refused(data, LimitError)
    assert "more than" in problem.message
    assert "--max-pixels" in typed(problem)
    assert problem.exit_code == 1


def test_the_limit_is_exact() -> None:
    data = saved(Image.new("L", (10, 10)))
    assert read(data, max_pixels=100).shape == (10, 10)
    problem = refused(data, LimitError, max_pixels=99)
    assert problem.message == "x.png: 10x10 pixels are more than the limit of 99"
    assert typed(problem) == "add --max-pixels 100 if you trust the file"
    assert refused(data, UsageError, max_pixels=0).exit_code == 2


def test_pillows_own_limit_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Image.new("L", (10, 10)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 60)  # Pillow would warn, and stop at 120
    assert "more than the limit of 60" in refused(data, LimitError).message
    assert Image.MAX_IMAGE_PIXELS == 60
    assert read(data, max_pixels=1000).shape == (10, 10)
    assert Image.MAX_IMAGE_PIXELS == 60


def test_readers_in_threads_share_the_guard() -> None:
    data = saved(Image.new("L", (50, 50)))
    before, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    failures: list[Exception] = []

    def work(limit: int) -> None:
        try:
            for _ in range(30):
                if limit >= 2500:
                    read(data, max_pixels=limit)
                else:
                    refused(data, LimitError, max_pixels=limit)
        except Exception as failure:  # noqa: BLE001 -- reported below
            failures.append(failure)

    workers = [threading.Thread(target=work, args=(limit,)) for limit in (2500, 2499, 10**9, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert before == Image.MAX_IMAGE_PIXELS
    assert list(warnings.filters) == filters


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"\x89PNG\r\n\x1a\n", "x.png", "cut off at byte 8"),
        (b"hello", "x.png", "not a picture that can be read, or a damaged one"),
        (b"1,2\n", "x.jpg", "not a picture that can be read, or a damaged one"),
        (b"GIF89a", "x.gif", "x.gif"),
        (b"\xff\xd8\xff", "x.jpg", "x.jpg"),
        (b"BM" + bytes(12) + b"\x28" + bytes(40), "x.bmp", "x.bmp"),
        (b"\0\1\2\3" * 100, "x.dat", "not a picture that can be read, or a damaged one"),
        (png(struct.pack(">IIBBBBB", 0, 5, 8, 0, 0, 0, 0), b""), "x.png", "x.png"),
        (png(struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0), b"\0\1"), "x.png", "damaged or cut off"),
        (png(struct.pack(">IIBBBBB", 2, 2, 9, 0, 0, 0, 0), b"\0\1\2\0\1\2"), "x.png", "x.png"),
    ],
)
def test_what_is_no_picture(data: bytes, name: str, message: str) -> None:
    assert message in refused(data, name=name).message


def test_what_only_a_broken_reader_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures without pixels, metadata that fail, and memory that is not there: Pillow guards against most of it."""
    data = saved(COLOR, "bmp")
    picture = Image.fromarray(RGB)
    monkeypatch.setattr(Image, "open", lambda *_, **__: picture)

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(picture, "getexif", fail)
    np.testing.assert_array_equal(read(data).values, GRAY)
    monkeypatch.setattr(picture, "_size", (0, 5))
    assert refused(data).message == "x.png: a picture of 0x5 pixels"

    def exhausted(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Image, "open", exhausted)
    assert refused(data, LimitError).message == "x.png: the picture does not fit into memory"


def test_a_photoshop_file_is_opened_as_its_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its frames are layers, numbered from 1; the first that is seen is all of them together."""
    picture = Image.fromarray(RGB)
    monkeypatch.setattr(picture, "n_frames", 3, raising=False)
    monkeypatch.setattr(Image, "open", lambda *_, **__: picture)
    feature_map = read(saved(COLOR, "bmp"))
    np.testing.assert_array_equal(feature_map.values, GRAY)
    assert "frame 0 of 3" in feature_map.notes


def test_a_named_format_is_binding() -> None:
    problem = refused(saved(COLOR, "bmp"), input_format="png")
    assert problem.message == "x.png: not a png picture, or a damaged one"
    assert typed(problem) == "leave out --input-format"


def test_a_wrong_extension_is_not() -> None:
    np.testing.assert_array_equal(read(saved(COLOR, "tga"), "x.png").values, GRAY)
    np.testing.assert_array_equal(read(saved(COLOR, "tga"), "x.dat").values, GRAY)
    np.testing.assert_array_equal(read(saved(COLOR, "png"), "x.csv").values, GRAY)


def test_a_layout_is_fixed_by_the_picture() -> None:
    assert read(saved(COLOR), layout="hw").layout == "HW"
    problem = refused(saved(COLOR), UsageError, layout="CHW", channels="rgb")
    assert problem.message == "x.png: layout CHW does not fit a picture, which is HWC"


def test_channels_that_do_not_exist() -> None:
    refused(saved(COLOR), UnknownNameError, channels="rbg")


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_small_and_thin(size: tuple[int, int]) -> None:
    picture = Image.new("L", size, 77)
    assert read(saved(picture)).shape == size[::-1]


# --- writing


@pytest.mark.parametrize(
    ("values", "white", "options", "expected"),
    [
        (np.array([[0, 7, 255]], np.uint8), None, {}, [[0, 7, 255]]),
        (np.array([[10, 20]], np.uint8), None, {"normalize": "minmax"}, [[0, 255]]),
        (np.array([[10, 20]], np.uint8), 255, {"normalize": "clip"}, [[10, 20]]),
        ([[0.0, 0.5, 1.49, 254.5, 255.0]], 255, {}, [[0, 1, 1, 255, 255]]),
        ([[0, 128, 255]], 255, {}, [[0, 128, 255]]),
        ([[-1, 0, 1]], 255, {}, [[0, 128, 255]]),
        ([[0.0, 300.0]], 255, {}, [[0, 255]]),
        ([[-5.0, 100.0, 300.0]], 255, {"normalize": "clip"}, [[0, 100, 255]]),
        ([[-5.0, 100.0, 300.0]], None, {"normalize": "clip"}, [[0, 100, 255]]),
        ([[0.0, 0.5, 1.0]], 1.0, {}, [[0, 128, 255]]),
        ([[1, 2, 3]], None, {}, [[0, 128, 255]]),
        ([[5, 5]], None, {}, [[128, 128]]),
        ([[0.0]], None, {}, [[128]]),
        ([[True, False]], None, {}, [[255, 0]]),
        ([[math.nan, 0.0, 1.0, math.inf, -math.inf]], None, {}, [[0, 0, 255, 255, 0]]),
        ([[math.nan, math.inf, -math.inf]], None, {}, [[0, 255, 0]]),
        ([[math.nan, 3.0, math.inf, -math.inf]], None, {}, [[0, 128, 255, 0]]),
        ([[math.nan, 100.0]], 255, {"normalize": "clip"}, [[0, 100]]),
        ([[-1e308, 0.0, 1e308]], None, {}, [[0, 128, 255]]),
        ([[0.0, 5e-324]], None, {}, [[0, 255]]),
        ([[-(2**63), 2**63 - 1]], None, {}, [[0, 255]]),
    ],
)  # fmt: skip
def test_numbers_become_pixels(values: Any, white: float | None, options: dict[str, Any], expected: Any) -> None:
    got = pixels(written(values, white=white, **options))
    assert got.dtype == np.uint8
    assert got.tolist() == expected


# Each with what it holds, what it loses and what it chooses: the numbers, and what is white.
@pytest.mark.parametrize(
    ("values", "white", "options", "holds", "losses", "guesses"),
    [
        (np.array([[0, 255]], np.uint8), None, {}, "2x1 pixels, 8-bit gray", [],
         ["normalize auto chose clip: 0 is black, 255 white"]),
        (np.array([[0, 9]], np.uint8), None, {"normalize": "minmax"}, "2x1 pixels, 8-bit gray", [],
         ["normalize minmax: 0 is black, 9 white", "uint8 written with 8 bits"]),
        ([[0.5, 300.0]], 255, {}, "2x1 pixels, 8-bit gray", ["normalize auto chose minmax: 0.5 is black, 300 white"],
         ["float64 written with 8 bits"]),
        ([[0.5, 3.0]], 255, {"zoom": 2}, "4x2 pixels, 8-bit gray, rounded", [],
         ["normalize auto chose clip: 0 is black, 255 white", "float64 written with 8 bits"]),
        ([[2.0, 3.0]], 255, {}, "2x1 pixels, 8-bit gray", [],
         ["normalize auto chose clip: 0 is black, 255 white", "float64 written with 8 bits"]),
        ([[-3, 0, 300]], 255, {"normalize": "clip"}, "3x1 pixels, 8-bit gray", ["2 values outside 0..255 cut off"],
         ["normalize clip: 0 is black, 255 white", "int64 written with 8 bits"]),
        (np.array([[math.nan, -1, 2, math.inf]], np.float32), None, {}, "4x1 pixels, 8-bit gray",
         ["normalize auto chose minmax: -1 is black, 2 white", "1 NaN drawn black", "1 value outside -1..2 cut off"],
         ["float32 written with 8 bits"]),
        ([[math.nan, -1.0, 3.0]], None, {"colormap": "diverging"}, "3x1 pixels, 8-bit RGB", ["1 NaN drawn magenta"],
         ["normalize auto chose minmax: -3 is the first colour, 3 the last", "float64 written with 8 bits"]),
        (np.array([[0, 300]], np.uint16), None, {}, "2x1 pixels, 16-bit gray", [],
         ["normalize auto chose clip: 0 is black, 65535 white"]),
        (np.array([[0, 300]], np.uint16), None, {"format": "bmp"}, "2x1 pixels, 8-bit gray",
         ["uint16 written with 8 bits"], ["normalize auto chose clip: 0 is black, 65535 white"]),
        (np.array([[0, 1]], np.uint8), None, {"format": "jpeg"}, "2x1 pixels, 8-bit gray, compressed with loss", [],
         ["normalize auto chose clip: 0 is black, 255 white", "compressed with loss"]),
        (np.array([[0, 1]], np.uint8), None, {"format": "pbm"}, "2x1 pixels, black and white",
         ["black and white only: 128 and above is white"], ["normalize auto chose clip: 0 is black, 255 white"]),
        (np.array([[0, 255]], np.uint8), None, {"format": "pbm"}, "2x1 pixels, black and white", [],
         ["normalize auto chose clip: 0 is black, 255 white", "black and white only: 128 and above is white"]),
        (np.array([[0, 1]], np.uint8), None, {"format": "gif", "colormap": "magma"}, "2x1 pixels, 256 colours", [],
         ["normalize auto chose clip: 0 is the first colour, 255 the last", "at most 256 colours kept"]),
        (np.array([[0, 100]], np.uint8), 4095, {"format": "ppm"}, "2x1 pixels, gray up to 4095", [],
         ["normalize auto chose clip: 0 is black, 4095 white"]),
        ([[0.1]], None, {"format": "pfm"}, "1x1 pixels, 32-bit floats", ["float64 written as float32"], []),
        ([[0.5]], None, {"format": "pfm"}, "1x1 pixels, 32-bit floats", [], ["float64 written as float32"]),
        (np.array([[0.5]], np.float32), None, {"format": "pfm"}, "1x1 pixels, 32-bit floats", [], []),
        ([[0.5]], None, {"format": "csv"}, "1 row x 1 column", [], []),
        (np.zeros((3, 1, 4)), None, {"format": "csv"}, "3 rows x 4 columns", [], []),
        (np.zeros((3, 1, 4), np.float32), None, {"format": "npy"}, "3x1x4 float32", [], []),
        (np.zeros((3, 4)), None, {"format": "json"}, "3x4 float64", [], []),
        (np.zeros((3, 4)), None, {"format": "asc"}, "3x4 cells", [], []),
    ],
)  # fmt: skip
def test_what_a_file_holds_and_every_choice_and_loss_are_told(
    values: Any, white: float | None, options: Any, holds: str, losses: list[str], guesses: list[str]
) -> None:
    chosen = WriteOptions(**{"format": "png", **options})
    feature_map = FeatureMap.from_array(np.asarray(values), None, white=white)
    found = FORMATS[str(chosen.format)].account(feature_map, chosen)
    assert (found.holds, list(found.losses), list(found.guesses)) == (holds, losses, guesses)


MODES_TOLD = {
    "8-bit gray": ("L", "P"),  # a GIF of gray has a palette of grays
    "16-bit gray": ("I;16", "I;16B", "I"), "8-bit RGB": ("RGB",), "8-bit RGBA": ("RGBA",), "black and white": ("1",),
    "256 colours": ("P", "RGB", "RGBA"), "32-bit floats": ("F",),
}  # fmt: skip
IN_AND_OUT = sorted(row.name for row in FORMATS.values() if row.picture and row.reads and row.writes)
IN_AND_OUT.remove("im")  # which Pillow is about to drop, and warns of


@in_turn("kind", IN_AND_OUT)
@in_turn("what", ["uint8", "uint16", "RGB"])
def test_what_a_picture_is_said_to_hold_is_what_pillow_finds(kind: str, what: str) -> None:
    array = np.arange(3 * 64, dtype="uint8" if what == "RGB" else what).reshape(8, 8, 3)
    layout, white = ("HWC", 255) if what == "RGB" else ("HW", 65535 if what == "uint16" else 255)
    feature_map = FeatureMap.from_array(array if what == "RGB" else array[..., 0], layout, white=white)
    chosen = WriteOptions(kind)
    try:
        content = b"".join(encode(feature_map, chosen))
    except PoolcliError:
        assert (kind, what) in {("pfm", "RGB"), ("avif", what)}
        return
    size, stored, *_ = FORMATS[kind].account(feature_map, chosen).holds.split(", ")
    with Image.open(io.BytesIO(content)) as picture:
        assert size == f"{picture.height}x{picture.width} pixels"
        assert picture.mode in MODES_TOLD[stored]


def test_black_and_white_parts_at_128() -> None:
    assert pixels(written(np.array([[0, 127, 128, 255]], np.uint8), format="pbm")).tolist() == [[0, 0, 1, 1]]


def test_sixteen_bits_stay_sixteen_bits() -> None:
    deep = np.array([[0, 300, 65535]], np.uint16)
    np.testing.assert_array_equal(pixels(written(deep)), deep)
    averages = np.array([[0.0, 300.5, 65535.0]])
    np.testing.assert_array_equal(pixels(written(averages, white=65535)), [[0, 301, 65535]])
    np.testing.assert_array_equal(pixels(written(deep, white=65535, format="bmp")), [[0, 1, 255]])
    np.testing.assert_array_equal(pixels(written(deep, normalize="minmax")), [[0, 1, 255]])


def test_colours_stay_colours() -> None:
    np.testing.assert_array_equal(pixels(written(RGB, "HWC")), RGB)
    np.testing.assert_array_equal(pixels(written(RGB.transpose(2, 0, 1), "CHW")), RGB)
    np.testing.assert_array_equal(pixels(written(RGB[None], "NHWC")), RGB)
    np.testing.assert_array_equal(pixels(written(GRAY[None, None], "NCHW", white=255)), GRAY)
    np.testing.assert_array_equal(pixels(written([1, 2, 3], "L")), [[0, 128, 255]])
    np.testing.assert_array_equal(pixels(written([[1, 2, 3]], "CL")), [[0, 128, 255]])


@pytest.mark.parametrize(
    ("shape", "layout", "message"),
    [
        ((2, 3, 3), "NHW", "a picture is one map, but the result has 2 (NHW)"),
        ((2, 3, 3), "CHW", "a picture has one channel or three, but the result has 2"),
        ((4, 3, 3), "CHW", "a picture has one channel or three, but the result has 4"),
        ((1, 2, 3), "DHW", "a picture has two axes, but the result has three (DHW)"),
    ],
)
def test_shapes_that_are_no_picture(shape: tuple[int, ...], layout: str, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        written(np.zeros(shape), layout)
    assert caught.value.message == message
    assert "--json" in typed(caught.value)


def test_zoom_repeats_every_pixel() -> None:
    got = pixels(written(np.array([[1, 2], [3, 4]], np.uint8), zoom=3))
    np.testing.assert_array_equal(got, np.kron([[1, 2], [3, 4]], np.ones((3, 3))))
    np.testing.assert_array_equal(pixels(written(RGB, "HWC", zoom=2))[::2, 1::2], RGB)


def test_a_zoom_that_cannot_be_meant() -> None:
    with pytest.raises(LimitError) as caught:
        written(GRAY, zoom=100_000)
    assert caught.value.message == "zoom 100000 would make 600000x500000 pixels, more than the limit of 89478485"
    assert typed(caught.value) == "use --zoom 1727"  # 1727 * 1727 * 30 = 89475870
    written(np.zeros((1, 1)), zoom=1727)
    for zoom in (0, -1):
        with pytest.raises(UsageError):
            written(GRAY, zoom=zoom)


@pytest.mark.parametrize(
    ("options", "kind"),
    [({"normalize": "max"}, UnknownNameError), ({"colormap": "jet"}, UnknownNameError),
     ({"compress_level": 10}, UsageError),
     ({"compress_level": -1}, UsageError), ({"format": "ico", "zoom": 100}, ShapeError)],
)  # fmt: skip
def test_options_that_do_not_fit(options: dict[str, Any], kind: type[PoolcliError]) -> None:
    with pytest.raises(kind):
        written(GRAY, **options)


def test_a_size_that_the_format_cannot_hold() -> None:
    with pytest.raises(ShapeError, match="cannot write 20000x1 pixels as webp"):
        written(np.zeros((1, 20_000)), format="webp")


def test_an_unknown_colormap_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError) as caught:
        written(GRAY, colormap="viridys")
    assert caught.value.hint == "did you mean viridis?"


# --- colour maps


def test_the_published_ends_of_the_colour_maps() -> None:
    """From matplotlib's documentation of viridis and magma."""
    assert bytes(colors_of("viridis")[0]).hex() == "440154"
    assert bytes(colors_of("viridis")[-1]).hex() == "fde725"
    assert bytes(colors_of("magma")[0]).hex() == "000004"
    assert bytes(colors_of("magma")[-1]).hex() == "fcfdbf"
    assert colors_of("gray").tolist() == [[n] * 3 for n in range(256)]


@pytest.mark.parametrize("name", sorted(COLORMAPS))
def test_every_colour_map_has_256_colours_and_none_is_that_of_nan(name: str) -> None:
    table = colors_of(name)
    assert not (table == NAN_COLOR).all(axis=1).any()
    luma = table @ [0.299, 0.587, 0.114]
    if name == "diverging":  # dark at both ends; the bytes are rounded, so the slope may waver by less than one
        assert (np.diff(luma[:128]) > -0.7).all()
        assert (np.diff(luma[128:]) < 0.7).all()
        assert luma.argmax() in (127, 128)
    else:
        assert (np.diff(luma) > -0.7).all()


def test_interpolation_by_hand() -> None:
    table = interpolated("000000 0000ff 00ff00")
    assert table[:3] == b"\0\0\0"
    assert table[3 * 51 : 3 * 52] == bytes((0, 0, 102))  # 51/255 of the way is 0.4 of the first half
    assert table[-3:] == b"\0\xff\0"


def test_a_colour_map_paints_from_the_smallest_to_the_largest() -> None:
    table = colors_of("viridis")
    got = pixels(written([[-1.0, 0.0, 1.0, math.nan, math.inf]], colormap="viridis"))
    np.testing.assert_array_equal(got[0], [table[0], table[128], table[255], NAN_COLOR, table[255]])


def test_pixels_keep_their_shade_in_a_colour_map() -> None:
    got = pixels(written(np.array([[0, 100]], np.uint8), colormap="gray"))
    assert got.tolist() == [[[0, 0, 0], [100, 100, 100]]]


def test_the_middle_of_the_diverging_map_is_zero() -> None:
    table = colors_of("diverging")
    got = pixels(written([[-1.0, 0.0, 4.0]], colormap="diverging"))
    np.testing.assert_array_equal(got[0], [table[96], table[128], table[255]])  # (-1 + 4) / 8 * 255 = 95.6
    assert table[128].tolist() == pytest.approx([247, 247, 247], abs=2)  # white, or nearly


def test_a_colour_map_needs_one_channel() -> None:
    with pytest.raises(ShapeError, match="paints one channel, but the result has 3"):
        written(RGB, "HWC", colormap="magma")


# --- files out


WRITABLE = [row.name for row in FORMATS.values() if row.picture and row.writes]
LOSSY = {"jpeg": 40, "mpo": 40, "avif": 40}
BLACK_AND_WHITE = ("pbm", "xbm", "msp")
UNREADABLE = ("eps", "pdf", "palm")


@pytest.mark.parametrize("kind", WRITABLE)
def test_every_picture_format_gives_back_what_it_was_given(kind: str) -> None:
    ramp = np.tile(np.arange(0, 256, 16, dtype=np.uint8), (16, 1))
    data = written(ramp, format=kind)
    assert data == written(ramp, format=kind)  # the same bytes every time
    if kind in UNREADABLE:
        assert len(data) > 100
        return
    back = read(data, f"x{FORMATS[kind].extensions[0]}").values.astype(float)
    expected = (ramp >= 128) * 255.0 if kind in BLACK_AND_WHITE else ramp
    assert abs(back - expected).max() <= LOSSY.get(kind, 0)


@pytest.mark.parametrize("kind", [kind for kind in WRITABLE if kind not in UNREADABLE + BLACK_AND_WHITE])
def test_every_colour_format_takes_colours(kind: str) -> None:
    if kind == "pfm":
        with pytest.raises(ShapeError):
            written(RGB, "HWC", format=kind)
        return
    flat = np.zeros((16, 16, 3), np.uint8) + np.array([255, 51, 0], np.uint8)
    back = read(written(flat, "HWC", format=kind), f"x{FORMATS[kind].extensions[0]}", channels="rgb").array.astype(int)
    assert abs(back - flat).max() <= 5


def test_pillow_has_a_reader_for_every_format_that_says_so() -> None:
    Image.init()
    kinds = [row.name for row in FORMATS.values() if row.picture and row.reads]
    assert {READERS.get(kind, kind.upper()) for kind in kinds} <= set(Image.OPEN) - CLOSED


def test_every_format_that_pillow_writes_is_written_or_known_not_to_be() -> None:
    """Icons of Apple would be resampled; the others are stubs, or in need of a program of their own."""
    Image.init()
    ours = {WRITERS.get(kind, kind.upper()) for kind in WRITABLE}
    assert set(Image.SAVE) - ours == {"ICNS", "BUFR", "GRIB", "HDF5", "WMF", "SPIDER"}


# --- the PNG writer


def drawn_picture(draw: Random) -> np.ndarray[Any, Any]:
    """Gray in 8 or 16 bits, or colors."""
    dtype, channels = draw.choice((("uint8", ()), ("uint16", ()), ("uint8", (3,))))
    return drawn.array(draw, dtype, (*drawn.shape(draw, 2, 2, 20), *channels))


def as_png(picture: np.ndarray[Any, Any], **options: Any) -> bytes:
    channels_last = picture.ndim == 3
    feature_map = FeatureMap.from_array(picture, "HWC" if channels_last else "HW")
    return b"".join(encode(feature_map, WriteOptions("png", "clip", **options)))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    drawn.by(drawn_picture), st.none() | st.integers(0, 9),
    drawn.by(lambda draw: {name: drawn.text(draw, 20) for name in ("Title", "recipe") if draw.choice((True, False))}),
)  # fmt: skip
def test_pillow_reads_what_the_png_writer_writes(
    picture: np.ndarray[Any, Any], level: int | None, text: dict[str, str]
) -> None:
    text = {key: value.replace("\0", "") for key, value in text.items()}
    data = as_png(picture, compress_level=level, text=text)
    opened = Image.open(io.BytesIO(data))
    opened.verify()
    opened = Image.open(io.BytesIO(data))
    np.testing.assert_array_equal(np.asarray(opened), picture)
    assert isinstance(opened, PngImagePlugin.PngImageFile)
    assert dict(opened.text) == text


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_the_bytes_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    picture = RNG.integers(0, 9, (1500, 1000, 3), np.uint8).cumsum(axis=0).astype(np.uint8)
    alone = [b"".join(write_png(part)) for part in (picture, picture[..., 0])]
    monkeypatch.setenv("POOLCLI_THREADS", threads)
    assert [b"".join(write_png(part)) for part in (picture, picture[..., 0])] == alone
    np.testing.assert_array_equal(pixels(alone[0]), picture)


def test_long_text_is_packed() -> None:
    data = as_png(GRAY.astype(np.uint8), text={"recipe": "step " * 1000})
    assert len(data) < 500
    assert Image.open(io.BytesIO(data)).info["recipe"] == "step " * 1000


def test_a_photograph_is_packed_about_as_well_as_pillow_does() -> None:
    y, x = np.mgrid[0:300, 0:300] / 300
    photo = (128 + 60 * np.sin(9 * x + 4 * y * y) + 3 * RNG.normal(size=x.shape)).clip(0, 255).astype(np.uint8)
    assert len(as_png(photo)) < 1.05 * len(saved(Image.fromarray(photo)))


def test_pixels_are_not_copied_where_they_need_not_be() -> None:
    picture = GRAY.astype(np.uint8)
    options = WriteOptions()
    assert pictures_out._pixels(picture, pictures_out._range(picture, None, options, 255), options) is picture


@pytest.mark.parametrize(("mode", "clear"), [("RGBA", True), ("RGBA", False), ("LA", True), ("LA", False)])
def test_alpha_that_matters_is_said(mode: str, clear: bool) -> None:
    picture = Image.new(mode, (3, 2))
    picture.putalpha(200 if clear else 255)
    file = io.BytesIO()
    picture.save(file, "PNG")
    said = "some pixels are not opaque, but are read as opaque"
    assert decode(file.getvalue(), "x.png").warnings == ((said,) if clear else ())


@in_turn(("keys", "corner"), [((), (600_000, 199_970)), ((1, 1, 0, 1, 1025, 0, 1, 2), (599_995, 199_975))])
def test_a_geotiff_says_where_its_cells_lie(call: Run, tmp_path: Path, keys: Any, corner: Any) -> None:
    tags = {33550: (10.0, 10.0, 0.0), 33922: (0.0, 0.0, 0.0, 600_000.0, 200_000.0, 0.0), 42113: "-9999"}
    picture = Image.fromarray(np.array([[1, 2, 3, 4], [5, 6, 7, 8], [-9999, 1, 1, 1]], np.float32))
    picture.save(tmp_path / "g.tif", tiffinfo={**tags, **({34735: keys} if keys else {})})
    made = call("pool", "-k", "1", "-f", "asc", "g.tif", cwd=tmp_path)
    head = dict(line.split() for line in made.out.splitlines()[:6])
    assert (int(head["xllcorner"]), int(head["yllcorner"])) == corner
    assert (head["cellsize"], head["NODATA_value"], "corner" in made.err) == ("10", "-9999", False)
    said = call("pool", "-o", "o.tif", "g.tif", cwd=tmp_path).err
    assert "note: a TIFF of poolcli does not say where its cells lie; -o out.asc does" in said
