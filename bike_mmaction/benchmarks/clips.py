"""Clips to measure with, as large and as long as many of Kinetics."""

import os

import av
import cv2
import numpy as np

NUM_FRAMES = 280
SIZE = 340, 256
_DIFFERENT = 4  # files of one content are read as others are


def draw_clip(path: str, seed: int, num_frames: int = NUM_FRAMES) -> None:
    """H.264, 340x256: the camera pans over coarse and fine structures."""
    rng, scene = np.random.RandomState(seed), np.zeros((512, 680, 3))
    for cells in (6, 24, 96):
        noise = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        scene += cv2.resize(noise, (680, 512)) / 3
    with av.open(path, 'w') as file:
        stream = file.add_stream('libx264', rate=25)
        stream.width, stream.height = SIZE
        stream.pix_fmt = 'yuv420p'
        for i in range(num_frames):
            x, y = i % 340, int(128 + 100 * np.sin(i / 20))
            image = scene[y : y + 256, x : x + 340] + rng.normal(0, 3, (256, 340, 1))
            frame = av.VideoFrame.from_ndarray(
                image.clip(0, 255).astype(np.uint8), format='rgb24'
            )
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def draw_clips(folder: str, count: int, num_frames: int = NUM_FRAMES) -> list[str]:
    """Files 0.mp4, 1.mp4 ... of a folder; four contents, under many names."""
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, f'{i}.mp4') for i in range(count)]
    for i, path in enumerate(paths):
        if i < _DIFFERENT:
            draw_clip(path, i, num_frames)
        else:
            os.link(paths[i % _DIFFERENT], path)
    return paths
