"""Small real videos, and their frames as files."""

import os
import os.path as osp

import av
import numpy as np
from PIL import Image

from bike_mmaction.video import VideoReader


def write_video(path, num_frames=24, size=(64, 48), seed=0, options=None, rate=25):
    """Write a H.264 file whose frames all differ.

    Args:
        path (str | Path): The file; its folder is made.
        num_frames (int): Number of frames.
        size (tuple[int]): Width and height in pixels.
        seed (int): Of the picture.
        options (dict, optional): Of the container.
        rate (int): Frames per second.

    Returns:
        str: The path.
    """
    rng = np.random.RandomState(seed)
    width, height = size
    os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)
    background = rng.randint(0, 255, (height, width, 3))
    with av.open(str(path), 'w', options=options or {}) as container:
        stream = container.add_stream('libx264', rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        stream.options = dict(crf='20')
        for index in range(num_frames):
            image = np.roll(background, index, axis=1).astype(np.uint8)
            image[:8] = 255 * index // num_frames  # tells the frame number
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def read_video(path):
    """All frames of a video, [N, H, W, 3], by PyAV alone."""
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[0])
        return np.stack([frame.to_ndarray(format='rgb24') for frame in frames])


def rate_of(path):
    """Frames per second, as the container says."""
    with av.open(str(path)) as container:
        return container.streams.video[0].average_rate


def write_frames(video, folder, template='img_{:05}.jpg'):
    """Extract the frames of a video, from number 1 on."""
    os.makedirs(folder, exist_ok=True)
    template = template.replace('{video}', osp.basename(folder))
    for number, image in enumerate(VideoReader(video).iterate(), 1):
        path = osp.join(folder, template.format(number))
        Image.fromarray(image).save(path)
