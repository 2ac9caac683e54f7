"""Videos with what was recognized written into them."""

import os.path as osp
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Optional

import numpy as np

from .colors import Color

ROW, STRIP, MARGIN, MAX_WIDTH = 24, 40, 8, 1280  # pixels
DARK, PALE, WHITE = (24, 24, 28), (70, 70, 78), (255, 255, 255)
LIGHT = (190, 190, 198)
Bar = tuple[float, float, float, Color]


# Longer than others for its arguments.
def draw_overlay(
    frame: np.ndarray,
    rows: Sequence[tuple[str, float, Color]],
    bars: Sequence[Bar] = (),
    cursor: Optional[float] = None,
    height: int = 360,
    caption: str = '',
) -> np.ndarray:
    """Put what was recognized below a frame.

    Args:
        frame (np.ndarray): Image [H, W, 3], RGB, uint8.
        rows (Sequence[tuple[str, float, tuple]]): Class, confidence from 0
            to 1, colour (r, g, b); a line each.
        bars (Sequence[tuple[float, float, float, tuple]]): Of a strip that
            stands for the whole video: begin and end as shares of it, height
            from 0 to 1, colour. Defaults to ().
        cursor (float, optional): Where in the strip this frame is.
        height (int): Of the frame in the result, in pixels; a multiple of 6,
            so that all sides are even. Defaults to 360.
        caption (str): What the strip shows, a line above it. Defaults to '':
            no line.

    Returns:
        np.ndarray: Image [H', W', 3], both even. They depend on the shape of
        ``frame``, the number of rows and whether there are bars and a caption.
    """
    from PIL import Image, ImageDraw

    scale = min(height / frame.shape[0], MAX_WIDTH / frame.shape[1])
    width, shown = (max(1, round(side * scale)) for side in frame.shape[1::-1])
    total = height + ROW * (len(rows) + bool(caption)) + MARGIN
    total += bool(len(bars)) * STRIP
    # Names need room, however narrow the video.
    canvas = Image.new('RGB', (max(width + width % 2, height // 3 * 4), total), DARK)
    canvas.paste(
        Image.fromarray(frame).resize((width, shown)),
        ((canvas.width - width) // 2, (height - shown) // 2),
    )
    draw = ImageDraw.Draw(canvas)
    top = height + MARGIN // 2
    for row in rows:
        _draw_row(draw, top, canvas.width, *row)
        top += ROW
    if caption:
        font = load_font(12)
        text = _fitting(caption, draw, font, canvas.width - 2 * MARGIN)
        draw.text((MARGIN, top + 7), text, LIGHT, font)
        top += ROW
    if bars:
        _draw_strip(draw, top, canvas.width, bars, cursor)
    return np.asarray(canvas)


def _draw_strip(
    draw, top: int, width: int, bars: Sequence[Bar], cursor: Optional[float]
) -> None:
    """Bars over the whole video, and where in it the frame is."""
    height = STRIP - MARGIN
    bottom = top + height
    for begin, end, value, color in bars:
        left, right = (MARGIN + x * (width - 2 * MARGIN) for x in (begin, end))
        draw.rectangle(
            [left, bottom - value * height, max(left, right - 1), bottom], color
        )
    if cursor is not None:
        x = MARGIN + cursor * (width - 2 * MARGIN)
        draw.line([x, top, x, bottom], WHITE, 2)


def _draw_row(
    draw, top: int, width: int, name: str, value: float, color: Color
) -> None:
    font = load_font(14)
    middle = width // 2
    name = _fitting(name, draw, font, middle - 2 * MARGIN)
    draw.text((MARGIN, top + 3), name, WHITE, font)
    left, right = middle, width - 60
    draw.rectangle([left, top + 5, right, top + ROW - 5], PALE)
    if value > 0:
        draw.rectangle(
            [left, top + 5, left + value * (right - left), top + ROW - 5], color
        )
    draw.text((right + 6, top + 3), f'{100 * value:.0f} %', WHITE, font)


def _fitting(text: str, draw, font, width: float) -> str:
    """As much of a text as fits into so many pixels, in one line."""
    text = ' '.join(text.split())
    while text and draw.textlength(text, font) > width:
        text = text[:-2].rstrip('…') + '…' if len(text) > 2 else ''
    return text


def load_font(size: int):
    """Of matplotlib's, which has most alphabets."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(
        osp.join(get_data_path(), 'fonts', 'ttf', 'DejaVuSans.ttf'), size
    )


def write_video(path: str, images: Iterable[np.ndarray], fps: float) -> None:
    """Write a video: H.264 in '.mp4', which browsers show, or '.gif'.

    Args:
        path (str): File to write; its suffix tells the format.
        images (Iterable[np.ndarray]): At least one [H, W, 3], RGB, uint8,
            all of one size with even sides.
        fps (float): Frames per second.

    Raises:
        ValueError: if the suffix is another, or there are no images.
    """
    writers = {'.mp4': _write_mp4, '.gif': _write_gif}
    suffix = osp.splitext(path)[1].lower()
    if suffix not in writers:
        raise ValueError(f"'{path}': videos are written as .mp4 or .gif")
    writers[suffix](path, iter(images), fps)


def _write_mp4(path: str, images, fps: float) -> None:
    from fractions import Fraction

    import av

    first = _first(path, images)
    with av.open(path, 'w', options=dict(movflags='faststart')) as container:
        stream = container.add_stream(
            'libx264', rate=Fraction(fps).limit_denominator(1001)
        )
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = 'yuv420p'
        for image in chain([first], images):
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _write_gif(path: str, images, fps: float) -> None:
    from PIL import Image

    first = Image.fromarray(_first(path, images))
    rest = (Image.fromarray(image) for image in images)
    first.save(path, save_all=True, append_images=rest, duration=1000 / fps, loop=0)


def _first(path: str, images) -> np.ndarray:
    for image in images:
        return image
    raise ValueError(f"'{path}': there are no images to write")
