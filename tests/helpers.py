"""Small real videos, and shipped configs made small."""

import copy
import glob
import importlib.util
import json
import os
import socket
import subprocess
import sys
from unittest import mock

import av
import numpy as np

TINY_ARCH = dict(
    embed_dim=64,
    quick_gelu=True,
    vision_cfg=dict(image_size=32, patch_size=16, width=128, layers=2, head_width=64),
    text_cfg=dict(context_length=77, vocab_size=49408, width=128, heads=2, layers=2),
)


def write_video(path, num_frames=24, size=(64, 48), seed=0, options=None, rate=25):
    """A H.264 file whose frames all differ; ``size`` is (width, height)."""
    rng = np.random.RandomState(seed)
    width, height = size
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
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


def write_dataset(root, count=5, num_classes=400, num_frames=24, size=(64, 48)):
    """Videos, their extracted frames and the lists that configs name.

    Lies where the Kinetics-400 configs expect it, below ``root``.
    """
    import decord
    from PIL import Image

    lines = {'videos': [], 'rawframes': []}
    for i in range(count):
        label = i * 7 % num_classes
        for split in ('train', 'val'):
            video = write_video(
                f'{root}/videos_{split}/v{i}.mp4', num_frames, size, seed=i
            )
            folder = f'{root}/rawframes_{split}/v{i}'
            os.makedirs(folder, exist_ok=True)
            for j, frame in enumerate(decord.VideoReader(video)):
                Image.fromarray(frame.asnumpy()).save(f'{folder}/img_{j + 1:05}.jpg')
        lines['videos'].append(f'v{i}.mp4 {label}')
        lines['rawframes'].append(f'v{i} {num_frames} {label}')
    for kind, rows in lines.items():
        for split in ('train', 'val'):
            path = f'{root}/kinetics400_{split}_list_{kind}.txt'
            with open(path, 'w') as file:
                file.write('\n'.join(rows) + '\n')
    for lexicon in ('kinetics400', 'imagenet1k'):
        for split in ('train', 'val'):
            write_attributes(
                f'{root}/attributes_{lexicon}_{split}.json',
                [f'v{i}.mp4' for i in range(count)],
            )
    return str(root)


def write_attributes(path, names, topk=7):
    """An attribute file in the authors' layout."""
    words = 'ball goal grass player referee crowd flag'.split()
    content = {
        name: dict(classname_topk=[f'{w} {i}' for w in words[:topk]])
        for i, name in enumerate(names)
    }
    with open(path, 'w') as file:
        json.dump(content, file)
    return str(path)


def small_arch(arch):
    """The architecture of the same layout and image size, but tiny."""
    from bike_mmaction.models.pretrained import get_arch

    config = copy.deepcopy(get_arch(arch))
    image_size = config['vision_cfg']['image_size']
    config.update(embed_dim=64)
    config['vision_cfg'].update(
        layers=1, width=64, head_width=32, patch_size=image_size // 2
    )
    config['text_cfg'].update(layers=1, width=64, heads=2)
    return config


def shrink_model(model):
    """Make the model of a shipped config tiny, and without weights."""
    arch = small_arch(model.backbone.arch)
    model.backbone.update(arch=arch, pretrained=None)
    if model.get('neck'):
        model.neck.update(embed_dims=64, num_heads=2, num_layers=1)
    model.cls_head.in_channels = 64
    model.cls_head.text_encoder.update(arch=arch, pretrained=None)
    for name in ('text_encoder', 'attributes_encoder'):
        if name in model.get('attributes_head', {}):
            model.attributes_head[name].update(arch=arch, pretrained=None)
    if model.get('association'):
        model.association.update(
            arch=small_arch(model.association.arch), pretrained=None
        )


def shrink(cfg, data_root, work_dir):
    """Make a shipped config quick: tiny towers, own data, one epoch.

    What a config is about stays: pipelines, frames, image size, heads,
    losses, optimizer and schedule. A second stage starts without the first.
    """
    shrink_model(cfg.model)
    return shrink_data(cfg, data_root, work_dir)


def shrink_data(cfg, data_root, work_dir):
    """Own data and one epoch; of :func:`shrink`, all but the model."""
    from bike_mmaction.datasets.pipeline_access import own_dataset

    for head in ('cls_head', 'attributes_head'):
        if 'class_names' in cfg.model.get(head, {}):
            cfg.model[head].class_names = cfg.model[head].class_names.replace(
                cfg.data_root, data_root
            )
    for name in ('train', 'val', 'test'):
        loader = cfg[f'{name}_dataloader']
        if loader is None:
            continue
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        dataset = own_dataset(cfg, name)
        dataset.ann_file = dataset.ann_file.replace(cfg.data_root, data_root)
        for key, folder in dataset.data_prefix.items():
            dataset.data_prefix[key] = folder.replace(cfg.data_root, data_root)
        for transform in dataset.pipeline:
            if transform.type == 'LoadAttributes':
                transform.ann_file = transform.ann_file.replace(
                    cfg.data_root, data_root
                )
    if cfg.train_cfg:
        cfg.train_cfg.max_epochs = 1
        cfg.param_scheduler = cfg.param_scheduler[1:]
        cfg.param_scheduler[0].update(begin=0, T_max=1, end=1)
    cfg.load_from = None
    cfg.work_dir = str(work_dir)
    cfg.default_hooks.logger.interval = 1
    return cfg


def shrink_images(cfg, num_classes=29):
    """Images of 32x32 pixels and few classes, after :func:`shrink`."""
    cfg.model.backbone.arch = TINY_ARCH
    cfg.model.cls_head.update(
        num_classes=num_classes, class_names=[f'class {i}' for i in range(num_classes)]
    )
    cfg.model.cls_head.text_encoder.arch = TINY_ARCH
    for split in ('train', 'val', 'test'):
        for step in cfg[f'{split}_dataloader'].dataset.pipeline:
            if step.type.endswith('Resize'):
                step.update(scale=(32, 32), keep_ratio=False)
            elif 'crop_size' in step:
                step.crop_size = 32
    return cfg


def convert_released(checkpoint, folder):
    """A released file, converted by the command-line tool: its path."""
    import torch

    root = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))
    src, dst = str(folder / 'released.pt'), str(folder / 'converted.pth')
    torch.save(checkpoint, src)
    subprocess.run(
        [sys.executable, 'tools/convert_checkpoint.py', src, dst],
        check=True,
        cwd=root,
        env=dict(os.environ, PYTHONPATH=root),
    )
    return dst


def read_results(folder):
    """What a test wrote into its only run below this folder."""
    (path,) = glob.glob(f'{folder}/*/results.json')
    with open(path) as file:
        return json.load(file)


def free_port():
    """A port of this machine that nobody uses."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


def run_tool(name, *args):
    """Run a script of ``tools/`` with these arguments, in this process."""
    with mock.patch.object(sys, 'argv', [name, *map(str, args)]):
        try:
            return tool(name).main()
        except SystemExit as end:
            if end.code:
                raise


def tool(name):
    """A script of ``tools/`` as a module."""
    path = os.path.join(os.path.dirname(__file__), '..', 'tools')
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(path, f'{name}.py')
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
