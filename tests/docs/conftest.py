"""A desk: a folder with all that the commands and snippets of the pages name."""

import copy
import os
import os.path as osp
import shutil

import numpy as np
import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.fileio import dump
from mmengine.runner import Runner

from bike_mmaction.checkpoint import from_released, to_released
from bike_mmaction.datasets.class_names import load_class_names
from bike_mmaction.shipped import find_config
from tests.golden import fixture
from tests.kit import ROOT
from tests.kit.labelling import write_cvat, write_label_studio
from tests.kit.lists import write_dataset, write_text
from tests.kit.official import write_official
from tests.kit.videos import write_video

DEFAULT = 'bike_vitb16_k400'  # whose weights a page means that names no config


def write_scores(path, names, seed=0):
    """Scores of both branches, as a test dumps them."""
    rng = np.random.RandomState(seed)
    samples = [
        dict(
            frame_dir=name,
            gt_label=torch.tensor([label % 4]),
            **{
                f'{branch}_score': torch.from_numpy(rng.rand(4)).softmax(-1)
                for branch in ('pred', 'video', 'attributes')
            },
        )
        for label, name in enumerate(names)
    ]
    dump(samples, str(path), file_format='pkl')


@pytest.fixture(scope='session')
def filled(unchanged):
    """The folder once; each page gets a copy."""
    return unchanged('desk', fill)


def fill(folder):
    """Videos, lists and scores under the names that the pages use."""
    for name in ('configs', 'tools', 'requirements'):
        os.symlink(osp.join(ROOT, name), folder / name)
    write_video(folder / 'video.mp4')
    write_video(folder / 'new.mp4')
    write_video(folder / 'long.mp4', num_frames=60, rate=5)
    for seed, name in enumerate(('VIDEOS/a', 'my_videos/dogs/a', 'my_videos/chess/b')):
        write_video(folder / f'{name}.mp4', seed=seed)
    rows = ('video.mp4,0,0.5,dogs', 'long.mp4,0:02,0:06,yoga')
    write_text(f'{folder}/segments.csv', 'path,start,end,label', *rows)
    tasks = [('video.mp4', [(1, 12, 'dogs')]), ('long.mp4', ['yoga'])]
    write_label_studio(folder / 'export.json', tasks)
    tracks = [('dogs', [(0, 0), (9, 1)]), ('yoga', [(9, 0), (20, 1)])]
    write_cvat(folder / 'annotations.zip', 'a.mp4', ['dogs', 'yoga'], tracks)
    for name in ('my_train', 'my_val', 'my_videos'):
        write_text(f'{folder}/{name}.txt', 'dogs/a.mp4 0', 'chess/b.mp4 1')
    write_text(f'{folder}/clips.csv', 'path,label', 'video.mp4,3', 'VIDEOS/a.mp4,')
    rows = ('video.mp4,cutting;talking', 'long.mp4,talking')
    write_text(f'{folder}/clips_of_two.csv', 'path,label', *rows)
    write_text(f'{folder}/my_classes.txt', 'a dog', 'playing chess')
    write_text(f'{folder}/label_map.txt', *load_class_names('kinetics400'))
    write_dataset(folder / 'data' / 'kinetics400')
    write_official('ucf101', folder / 'data' / 'ucf101', rawframes=True)
    shutil.copytree(folder / 'data/ucf101/annotations', folder / 'ucfTrainTestlist')
    write_text(
        f'{folder}/THEIR_LIST.txt', 'ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01 24 0'
    )
    names = enumerate(load_class_names('ucf101'))
    write_text(f'{folder}/ucf_labels.csv', 'id,name', *(f'{i},{n}' for i, n in names))
    write_scores(folder / 'other_videos.pkl', [f'o{i}' for i in range(8)], seed=1)
    for name in ('scores', 'video_scores', 'attributes_scores', 'a', 'b'):
        write_scores(folder / f'{name}.pkl', [f'v{i}' for i in range(8)])
    return folder


@pytest.fixture
def small_towers(monkeypatch, tmp_path_factory):
    """CLIP by name is small, of the same width and image size; its weights are
    random, and are not downloaded."""
    read, folder = open_clip.get_model_config, tmp_path_factory.mktemp('weights')

    def small(name):
        config = copy.deepcopy(read(name))
        image_size = config['vision_cfg']['image_size']
        config['vision_cfg'].update(
            layers=1, width=64, head_width=32, patch_size=image_size // 2
        )
        config['text_cfg'].update(layers=1, width=64, heads=2)
        return config

    def weights(wanted):
        (arch,) = [
            name
            for name in open_clip.list_models()
            if name.endswith('-quickgelu')
            and open_clip.get_pretrained_cfg(name, 'openai') == wanted
        ]
        path = folder / f'{arch}.pt'
        if not path.exists():
            torch.save(open_clip.CustomTextCLIP(**small(arch)).state_dict(), path)
        return str(path)

    monkeypatch.setattr(open_clip, 'get_model_config', small)
    monkeypatch.setattr(open_clip, 'download_pretrained', weights)


@pytest.fixture
def desk(filled, small_towers, tmp_path, monkeypatch):
    """Stand in a copy of the folder; the object makes what is still missing."""
    folder = tmp_path / 'desk'
    shutil.copytree(filled, folder, symlinks=True)
    monkeypatch.chdir(folder)
    build = Runner.build_dataloader

    def without_workers(dataloader, *args, **kwargs):
        if isinstance(dataloader, dict):
            dataloader = copy.deepcopy(dataloader)
            dataloader.update(num_workers=0, persistent_workers=False)
        return build(dataloader, *args, **kwargs)

    monkeypatch.setattr(Runner, 'build_dataloader', staticmethod(without_workers))
    return Desk()


class Desk:
    """Makes files that the pages name and that take long, when they are used."""

    config = DEFAULT

    def write_weights(self, path, config=DEFAULT):
        """A checkpoint that fits a config, or one in the authors' layout."""
        if path == 'THEIR_ATTRIBUTES.pt':
            checkpoint = fixture.checkpoint('attributes')
        elif path == 'VIDEO.pth':
            checkpoint = from_released(fixture.checkpoint('video')).checkpoint
        else:
            checkpoint = self._weights_of(config)
            if path.endswith('.pt'):
                checkpoint = to_released(checkpoint).checkpoint
        os.makedirs(osp.dirname(osp.abspath(path)), exist_ok=True)
        torch.save(checkpoint, path)

    def _weights_of(self, config):
        model = MODELS.build(Config.fromfile(find_config(config)).model)
        return dict(state_dict=model.state_dict())
