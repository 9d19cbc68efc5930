"""A window's walk over the input as GIF and APNG; one moment of it, or its end, as a still picture."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

from poolcli.analysis.windows import headline, no_window
from poolcli.colors import NAN_COLOR, hexadecimal, table
from poolcli.errors import UsageError
from poolcli.render.animation import scene as stage
from poolcli.render.animation.line import BANDS, STROKE
from poolcli.render.animation.scene import Path, Raster, Rectangle, Scene, Shape, Words, font, width_of
from poolcli.system.limits import check_memory
from poolcli.window import times
from poolcli.wording import Phrase, safe

Moving = Literal["gif", "apng"]
Still = Literal["svg", "png", "gif"]
SAVING: Mapping[str, Mapping[str, Any]] = {
    # optimize stores only changes between frames: a tenth of the size
    "gif": {"format": "GIF", "disposal": 1, "optimize": True},
    "apng": {"format": "PNG", "compress_level": 6},
}
Progress = Callable[[int, int], None]
MOST_FRAMES = 120
FPS_USUAL = 2.0  # windows per second
FPS = (0.1, 50.0)  # GIF counts hundredths of a second, and viewers slow down anything faster
REST = 4  # frames that show the finished picture


def walk(
    scene: Scene, kind: Moving, *, fps: float = FPS_USUAL, frames: int = MOST_FRAMES, progress: Progress | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Draw the walk with at most `frames` windows; also return notes on what was left out."""
    if not FPS[0] <= fps <= FPS[1]:
        raise UsageError(
            Phrase("{fps} is out of range", fps=int(fps) if float(fps).is_integer() else fps),
            f"use {FPS[0]:g} to {FPS[1]:g} windows per second",
        )
    if frames < 1:
        raise UsageError(f"{frames} frames show nothing", "use 1 or more")
    notes = _plane_note(scene)
    chosen = sampled(scene.count, frames)
    if len(chosen) < scene.count:
        notes += (f"{len(chosen)} of {scene.count} windows, evenly spread",)
    size = scene.width * scene.height * (3 if kind == "apng" else 1)
    check_memory(size * len(chosen) + 8 * size, f"an animation of {len(chosen)} frames", Phrase("use a smaller {zoom}"))
    return _saved(_frames(scene, chosen, kind, progress), kind, fps), notes


def _plane_note(scene: Scene) -> tuple[str, ...]:
    lead = scene.feature_map.values.shape[: -scene.layer.ndim]
    planes = int(np.prod(lead))
    return (f"the first of {planes} planes ({times(lead)})",) if planes > 1 else ()


def sampled(count: int, most: int) -> list[int]:
    """Return the numbers of the windows to show: all, or `most` of them including the first and the last.

    Examples
    --------
    >>> sampled(4, 9), sampled(100, 5)
    ([0, 1, 2, 3], [0, 25, 50, 74, 99])
    """
    if count <= most:
        return list(range(count))
    if most == 1:
        return [0]
    return [(2 * i * (count - 1) + most - 1) // (2 * (most - 1)) for i in range(most)]


# --- pixels -----------------------------------------------------------------------------------------------------------


def _coloured(scene: Scene, kind: str) -> Callable[[Image.Image], Image.Image]:
    """Return what gives a GIF its 256 colours: the scene's, the colour map, and grays for the edges of letters."""
    if kind != "gif":
        return lambda picture: picture
    fixed = [stage.PAPER, stage.INK, stage.QUIET, stage.EMPTY, stage.PAD_COLOR, stage.BEYOND, stage.ACCENT,
             stage.BLACK, NAN_COLOR, STROKE, *BANDS]  # fmt: skip
    grays = [(level, level, level) for level in np.linspace(0, 255, 44).astype(int).tolist()]
    ramp = [tuple(row) for row in table(scene.colormap)[np.linspace(0, 255, 192).astype(int)].tolist()]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in (*fixed, *grays, *ramp) for part in color])
    return lambda picture: picture.quantize(palette=palette, dither=Image.Dither.NONE)


def _frames(scene: Scene, chosen: Sequence[int], kind: Moving, progress: Progress | None) -> list[Image.Image]:
    """Paint every frame as a copy of the canvas, on which the output fills, with the window on top."""
    canvas = Image.new("RGB", (scene.width, scene.height), stage.PAPER)
    paint(canvas, scene.background())
    done, coloured = canvas.copy(), _coloured(scene, kind)
    frames: list[Image.Image] = []
    filled = 0
    for index, fact in scene.facts(set(chosen)):
        paint(canvas, scene.filling(filled, index + 1))
        filled = index + 1
        frame = canvas.copy()
        paint(frame, scene.spotlight(fact))
        frames.append(coloured(frame))
        if progress:
            progress(len(frames), len(chosen))
    paint(done, scene.filling(0, scene.count))
    return [*frames, coloured(done)]


def paint(image: Image.Image, shapes: Iterable[Shape]) -> None:
    """Paint shapes on a picture."""
    draw = ImageDraw.Draw(image)
    for shape in shapes:
        if isinstance(shape, Rectangle):
            box = (shape.x, shape.y, shape.x + shape.width - 1, shape.y + shape.height - 1)
            draw.rectangle(box, fill=shape.fill, outline=shape.stroke, width=shape.thick)
        elif isinstance(shape, Words):
            anchor = "mm" if shape.anchor == "middle" else "lm"
            draw.text((shape.x, shape.y), shape.text, shape.color, font(shape.size), anchor)
        elif isinstance(shape, Path):
            draw.line([*shape.points, shape.points[-1]], fill=shape.color, width=shape.thick, joint="curve")
        else:
            size = (int(shape.width), int(shape.height))
            cells = Image.fromarray(shape.colors).resize(size, Image.Resampling.NEAREST)
            image.paste(cells, (int(shape.x), int(shape.y)))


def _saved(frames: Sequence[Image.Image], kind: Moving, fps: float) -> bytes:
    tick = round(100 / fps) * 10  # milliseconds, in the hundredths of a second that GIF has
    durations = [tick] * (len(frames) - 1) + [tick * REST]
    target = io.BytesIO()
    frames[0].save(target, save_all=True, append_images=frames[1:], duration=durations, loop=0, **SAVING[kind])
    return target.getvalue()


# --- SVG --------------------------------------------------------------------------------------------------------------


def still(scene: Scene, kind: Still, at: Sequence[int] | None) -> tuple[bytes, tuple[str, ...]]:
    """Draw a finished scene, or the window `at` an output cell, by default the middle one; also return notes."""
    shapes = [*scene.background()]
    if scene.finished:
        title = f"The output of {scene.count} windows"
        shapes += [*scene.outlines(), *scene.filling(0, scene.count), *scene.verdict()]
    else:
        index = scene.count // 2 if at is None else _index(scene, at)
        _, fact = next(scene.facts({index}))
        result = "" if fact.result is None else f" = {fact.result}"
        title = f"Output {','.join(map(str, fact.at))}: {fact.formula}{result}"
        shapes += [*scene.filling(0, index + 1), *scene.spotlight(fact)]
    data = _drawing(scene, shapes, title) if kind == "svg" else _picture_of(scene, shapes, kind)
    return data, _plane_note(scene)


def _picture_of(scene: Scene, shapes: Sequence[Shape], kind: Still) -> bytes:
    canvas = Image.new("RGB", (scene.width, scene.height), stage.PAPER)
    paint(canvas, shapes)
    target = io.BytesIO()
    _coloured(scene, kind)(canvas).save(target, kind.upper(), optimize=True)
    return target.getvalue()


def _drawing(scene: Scene, shapes: Sequence[Shape], description: str) -> bytes:
    body = "\n".join(_element(shape) for shape in shapes)
    title = html.escape(f"{safe(scene.feature_map.name)}: {headline(scene.layer, scene.plane.shape)}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {scene.width} {scene.height}" width="{scene.width}" '
        f'height="{scene.height}" role="img" aria-labelledby="title desc" font-family="Helvetica, Arial, sans-serif">\n'
        f'<title id="title">{title}</title>\n<desc id="desc">{html.escape(description)}</desc>\n{body}\n</svg>\n'
    ).encode()


def _index(scene: Scene, at: Sequence[int]) -> int:
    shape = scene.pooled.shape[-scene.layer.ndim :]
    if len(at) != len(shape) or not all(0 <= i < n for i, n in zip(at, shape, strict=True)):
        raise no_window(at, shape)
    return int(np.ravel_multi_index(tuple(at), shape))


def _element(shape: Shape) -> str:
    if isinstance(shape, Rectangle):
        inset = shape.thick / 2
        place = _place(shape.x + inset, shape.y + inset, shape.width - shape.thick, shape.height - shape.thick)
        stroke = f' stroke="{hexadecimal(shape.stroke)}" stroke-width="{shape.thick}"' if shape.stroke else ""
        return f'<rect {place} fill="{hexadecimal(shape.fill) if shape.fill else "none"}"{stroke}/>'
    if isinstance(shape, Words):
        # as wide as in Pillow's font, whatever font the viewer has, so that the line ends within the picture
        wide = f' textLength="{width_of(shape.text, shape.size)}" lengthAdjust="spacingAndGlyphs"'
        anchor = ' text-anchor="middle"' if shape.anchor == "middle" else wide if shape.text else ""
        text = html.escape(shape.text)
        return (
            f'<text x="{shape.x:g}" y="{shape.y:g}" dy="0.35em" font-size="{shape.size}"{anchor} '
            f'fill="{hexadecimal(shape.color)}" xml:space="preserve">{text}</text>'
        )
    if isinstance(shape, Path):
        points = " ".join(f"{x:g},{y:g}" for x, y in shape.points)
        how = f'stroke="{hexadecimal(shape.color)}" stroke-width="{shape.thick}" stroke-linejoin="round"'
        return f'<polyline points="{points}" fill="none" {how}/>'
    return _picture(shape)


def _picture(shape: Raster) -> str:
    target = io.BytesIO()
    Image.fromarray(shape.colors).save(target, "PNG")
    data = base64.b64encode(target.getvalue()).decode()
    place = _place(shape.x, shape.y, shape.width, shape.height)
    how = 'preserveAspectRatio="none" style="image-rendering:pixelated"'
    return f'<image {place} {how} href="data:image/png;base64,{data}"/>'


def _place(x: float, y: float, width: float, height: float) -> str:
    return f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
