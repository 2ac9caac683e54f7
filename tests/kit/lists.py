"""Lists of videos, attribute files, and a whole data set in one call."""

import json
import os
import os.path as osp

from tests.kit.videos import write_frames, write_video

PHRASES = 'ball goal grass player referee crowd flag'.split()


def write_text(path, *lines):
    """Write a text file and the folder that it lies in; return the path."""
    os.makedirs(osp.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.writelines(f'{line}\n' for line in lines)
    return str(path)


def read_lines(*path):
    """The lines of a text file, whose path may be in parts."""
    with open(osp.join(*map(str, path)), encoding='utf-8') as file:
        return file.read().splitlines()


def write_attributes(path, names, topk=7):
    """An attribute file in the authors' layout; return the path."""
    content = {
        name: dict(classname_topk=[f'{phrase} {i}' for phrase in PHRASES[:topk]])
        for i, name in enumerate(names)
    }
    with open(path, 'w') as file:
        json.dump(content, file)
    return str(path)


def write_dataset(root, count=5, num_classes=400, num_frames=24, size=(64, 48)):
    """Videos, their extracted frames, lists and attributes of both splits.

    They lie where the Kinetics-400 configs expect them, below ``root``.
    Video ``v{i}.mp4`` has label ``i * 7 % num_classes``.
    """
    labels = {f'v{i}': i * 7 % num_classes for i in range(count)}
    videos = [f'{stem}.mp4' for stem in labels]
    for split in ('train', 'val'):
        for i, stem in enumerate(labels):
            path = f'{root}/videos_{split}/{stem}.mp4'
            write_video(path, num_frames, size, seed=i)
            write_frames(path, f'{root}/rawframes_{split}/{stem}')
        listed = f'{root}/kinetics400_{split}_list'
        write_text(f'{listed}_videos.txt', *(f'{k}.mp4 {v}' for k, v in labels.items()))
        write_text(
            f'{listed}_rawframes.txt',
            *(f'{k} {num_frames} {v}' for k, v in labels.items()),
        )
        for lexicon in ('kinetics400', 'imagenet1k'):
            write_attributes(f'{root}/attributes_{lexicon}_{split}.json', videos)
    return str(root)
