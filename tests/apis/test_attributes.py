"""The attribute generator on real files, in real processes that are killed."""

import glob
import json
import os
import os.path as osp
import random
import signal
import subprocess
import sys
import time

import numpy as np
import open_clip
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose

from bike_mmaction.apis import generate_attributes
from bike_mmaction.datasets.attribute_file import AttributeFile
from bike_mmaction.errors import NonFiniteError
from bike_mmaction.recipes import add_attributes_branch, fold_frames, use_rawframes
from tests.kit import ROOT
from tests.kit.attributes import LEXICON, write_config
from tests.kit.configs import load_config
from tests.kit.models import write_clip
from tests.kit.tools import environment, free_port, run_python
from tests.kit.videos import write_video

COUNT = 30


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Thirty videos, one of them cut off and one of them absent."""
    folder = tmp_path_factory.mktemp('generate')
    names = [f'class {i % 3}/v{i}.mp4'.replace(' ', '_') for i in range(COUNT)]
    for i, name in enumerate(names):
        path = folder / 'videos' / name
        write_video(path, num_frames=16, seed=i)
        if i == 7:
            path.write_bytes(path.read_bytes()[:500])
        if i == 21:
            path.unlink()
    write_config(folder, names)
    return folder


def command(data, out, *args, processes=1):
    tool = ['tools/generate_attributes.py']
    if processes > 1:
        port = free_port()
        tool = [
            '-m',
            'torch.distributed.run',
            f'--nproc_per_node={processes}',
            f'--master_port={port}',
            *tool,
        ]
        args = (*args, '--launcher', 'pytorch')
    return [
        sys.executable,
        *tool,
        str(data / 'config.py'),
        '--lexicon',
        str(data / 'lexicon.txt'),
        '--topk',
        '3',
        '--out',
        str(out),
        *args,
    ]


def run(data, out, *args, **kwargs):
    python, *argv = command(data, out, *args, **kwargs)
    return run_python(*argv)


@pytest.fixture(scope='module')
def whole(data, tmp_path_factory):
    """What an undisturbed run writes, and what it says."""
    out = tmp_path_factory.mktemp('whole') / 'attributes.json'
    done = run(data, out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout + done.stderr


def lines(out):
    return sum(
        open(path, 'rb').read().count(b'\n')
        for path in glob.glob(f'{out}.partial/*.jsonl')
    )


def kill_when(data, out, count):
    """Start, and kill without warning once ``count`` videos are done."""
    process = subprocess.Popen(
        command(data, out),
        cwd=ROOT,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.time() + 120
    while lines(out) < count and process.poll() is None:
        assert time.time() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_layout(whole, data):
    content = json.loads(whole[0].read_text())
    header = content.pop('__header__')
    assert header['classname_topk'] == []  # for readers of the plain layout
    assert header['topk'] == 3 and header['lexicon']['phrases'] == len(LEXICON)
    assert header['videos']['list'] == 'list.txt'
    assert header['model']['pretrained'] == 'clip.pt'
    assert list(content)[0] == 'class_0/v0.mp4' and len(content) == COUNT - 2
    for value in content.values():
        assert set(value['classname_topk']) < set(LEXICON)
        assert len(value['classname_topk']) == len(value['scores']) == 3
        assert value['scores'] == sorted(value['scores'], reverse=True)


def test_unreadable_videos_are_listed(whole):
    out, printed = whole
    listed = AttributeFile(str(out)).header['unreadable']
    assert set(listed) == {'class_1/v7.mp4', 'class_0/v21.mp4'}
    assert 'its index (moov) is missing' in listed['class_1/v7.mp4']
    assert 'no such file' in listed['class_0/v21.mp4']
    assert '28 videos written' in printed and '2 could not be read' in printed
    assert 'v7.mp4' in printed
    # In place of a bar, as there is no terminal.
    assert printed.count(' of 30 videos') == 10 and '30 of 30 videos' in printed
    assert '30/30' not in printed


def test_phrases_are_those_of_clip(whole, data):
    """By open_clip alone: frames, phrases, mean, cosine."""
    model = open_clip.CLIP(
        **Config.fromfile(str(data / 'config.py')).model.backbone.arch
    )
    model.load_state_dict(torch.load(data / 'clip.pt'))
    model.eval()
    cfg = Config.fromfile(str(data / 'config.py'))
    images = (
        Compose(cfg.test_pipeline)(
            dict(
                filename=str(data / 'videos/class_1/v1.mp4'),
                label=0,
                start_index=0,
                modality='RGB',
            )
        )['inputs'][0]
        .permute(1, 2, 3, 0)
        .numpy()
    )
    mean, std = (122.771, 116.746, 104.094), (68.501, 66.632, 70.323)
    images = torch.from_numpy((images - np.array(mean)) / np.array(std))
    with torch.no_grad():
        frames = model.encode_image(images.permute(0, 3, 1, 2).float())
        texts = model.encode_text(
            open_clip.SimpleTokenizer()(
                [f'This is a video about {p}' for p in LEXICON]
            ),
            normalize=True,
        )
    scores = torch.nn.functional.normalize(frames.mean(0), dim=0) @ texts.T
    entry = json.loads(whole[0].read_text())['class_1/v1.mp4']
    expected = scores.topk(3)
    np.testing.assert_allclose(entry['scores'], expected.values, atol=1e-4)
    assert entry['classname_topk'] == [LEXICON[i] for i in expected.indices]


def test_killed_three_times(data, whole, tmp_path):
    out, seed = tmp_path / 'attributes.json', time.time()
    rng = random.Random(seed)
    points = sorted(rng.sample(range(1, COUNT - 5), 3))
    for point in points:
        kill_when(data, out, point)
        assert not out.exists()
        # What a kill in the middle of a write leaves behind.
        path = glob.glob(f'{out}.partial/*.jsonl')[0]
        with open(path, 'ab') as file:
            file.write(b'{"index": 3, "key": "class_0/v')
    before = lines(out)
    done = run(data, out)
    assert done.returncode == 0, done.stderr
    assert before >= points[-1]
    assert out.read_bytes() == whole[0].read_bytes(), (points, seed)


def test_two_processes(data, whole, tmp_path):
    out = tmp_path / 'attributes.json'
    done = run(data, out, processes=2)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == whole[0].read_bytes()


def test_goes_on_with_other_processes(data, whole, tmp_path):
    out = tmp_path / 'attributes.json'
    kill_when(data, out, 5)
    done = run(data, out, processes=2)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == whole[0].read_bytes()


class TestInProcess:
    """Without a process of its own, to be quicker."""

    def generate(self, data, out, **kwargs):
        cfg = Config.fromfile(str(data / 'config.py'))
        kwargs.setdefault('lexicon', str(data / 'lexicon.txt'))
        kwargs.setdefault('topk', 3)
        return generate_attributes(cfg, out=str(out), **kwargs)

    @pytest.fixture
    def few(self, tmp_path):
        names = ['a.mp4', 'b.mp4', 'c.mp4']
        for name in names:
            write_video(tmp_path / 'videos' / name, num_frames=8)
        write_config(tmp_path, names)
        return tmp_path

    def test_clip_of_the_attributes_branch(self, few, tmp_path):
        """Whatever is trained on them: here one with narrower embeddings."""
        cfg = Config.fromfile(str(few / 'config.py'))
        arch = dict(cfg.model.backbone.arch, embed_dim=32)
        other = write_clip(few / 'other.pt', arch)
        add_attributes_branch(cfg, 'none.json', clip=dict(arch=arch, pretrained=other))
        out = tmp_path / 'attributes.json'
        generate_attributes(cfg, LEXICON, 3, str(out))
        header = AttributeFile(str(out)).header
        assert header['model']['arch'] == arch
        assert header['model']['pretrained'] == 'other.pt'

    def test_half_a_batch_is_done_again(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        (few / 'videos/c.mp4').rename(few / 'c.mp4')
        self.generate(few, out)
        (journal,) = glob.glob(f'{out}.partial/*.jsonl')
        first, second, third = open(journal).read().splitlines()
        assert 'unreadable' in third
        open(journal, 'w').write(f'{second}\n')  # of a batch of two
        self.generate(few, out)
        assert len(AttributeFile(str(out))) == 2

    def test_unreadable_videos_are_tried_again(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        (few / 'videos/b.mp4').rename(few / 'b.mp4')
        assert self.generate(few, out)['attributes/unreadable'] == 1
        (few / 'b.mp4').rename(few / 'videos/b.mp4')
        assert self.generate(few, out) == {
            'attributes/videos': 3,
            'attributes/unreadable': 0,
        }
        assert not osp.exists(f'{out}.partial')
        assert not AttributeFile(str(out)).header['unreadable']

    def test_overwriting_goes_on_after_a_stop(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        (few / 'videos/c.mp4').rename(few / 'c.mp4')
        self.generate(few, out, overwrite=True)
        (journal,) = glob.glob(f'{out}.partial/*.jsonl')
        self.generate(few, out, overwrite=True)
        assert len(open(journal).readlines()) == 4  # the absent one again

    def test_part_of_the_list_is_not_the_whole(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        cfg = Config.fromfile(str(few / 'config.py'))
        cfg.test_dataloader.dataset.indices = 2
        generate_attributes(cfg, LEXICON, 3, str(out))
        with pytest.raises(ValueError, match="another 'videos'"):
            self.generate(few, out, lexicon=LEXICON)

    def test_other_normalisation_is_not_mixed(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        self.generate(few, out)
        cfg = Config.fromfile(str(few / 'config.py'))
        cfg.model.data_preprocessor.mean = [0, 0, 0]
        with pytest.raises(ValueError, match="another 'preprocessing'"):
            generate_attributes(cfg, str(few / 'lexicon.txt'), 3, str(out))

    def test_data_root(self, few, tmp_path):
        """MMAction2's usual layout."""
        cfg = Config.fromfile(str(few / 'config.py'))
        cfg.test_dataloader.dataset.update(
            data_root=str(few),
            ann_file='list.txt',
            data_prefix=dict(video='videos', img='frames'),
        )
        out = tmp_path / 'attributes.json'
        generate_attributes(cfg, LEXICON, 3, str(out))
        assert set(json.loads(out.read_text())) == {
            '__header__',
            'a.mp4',
            'b.mp4',
            'c.mp4',
        }

    def test_complete_file_stays(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        counts = self.generate(few, out)
        assert counts == {'attributes/videos': 3, 'attributes/unreadable': 0}
        before = out.stat().st_mtime_ns
        assert self.generate(few, out) == {}
        assert out.stat().st_mtime_ns == before

    @pytest.mark.parametrize(
        'change,named',
        [
            (dict(topk=2), 'topk'),
            (dict(prompt='{}'), 'prompt'),
            (dict(lexicon=['cat', 'car', 'cow']), 'lexicon'),
            (dict(split='train'), 'videos'),
        ],
    )
    def test_other_settings_are_not_mixed(self, few, tmp_path, change, named):
        out = tmp_path / 'attributes.json'
        self.generate(few, out)
        with pytest.raises(ValueError, match=f"another '{named}'") as error:
            self.generate(few, out, **change)
        assert str(out) in str(error.value)
        self.generate(few, out, overwrite=True, **change)
        header = AttributeFile(str(out)).header
        if named in ('topk', 'prompt'):
            assert header[named] == change[named]

    def test_other_weights_are_not_mixed(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        self.generate(few, out)
        weights = torch.load(few / 'clip.pt')
        weights['visual.proj'] += 1e-3
        torch.save(weights, few / 'clip.pt')
        with pytest.raises(ValueError, match="another 'model'"):
            self.generate(few, out)

    def test_settings_of_unfinished_work_are_not_mixed(self, few, tmp_path):
        out = tmp_path / 'attributes.json'
        for name in ('a', 'b', 'c'):
            (few / 'videos' / f'{name}.mp4').unlink()
        with pytest.raises(RuntimeError, match='none of 3 videos') as error:
            self.generate(few, out)
        assert 'a.mp4' in str(error.value) and not out.exists()
        with pytest.raises(ValueError, match="another 'topk'"):
            self.generate(few, out, topk=1)

    def test_weights_that_are_not_finite(self, few, tmp_path):
        """Also by images, where MMAction2's recognizer is used."""
        cfg = Config.fromfile(str(few / 'config.py'))
        fold_frames(cfg)
        cfg.model.update(type='Recognizer2D', neck=None)
        cfg.dump(few / 'config.py')
        self.generate(few, tmp_path / 'sound.json')
        weights = torch.load(few / 'clip.pt')
        weights['visual.proj'][0] = float('nan')
        torch.save(weights, few / 'clip.pt')
        with pytest.raises(NonFiniteError, match='backbone.visual.proj'):
            self.generate(few, tmp_path / 'a.json')
        assert not (tmp_path / 'a.json').exists()

    def test_lexicon_smaller_than_topk(self, few, tmp_path):
        with pytest.raises(ValueError, match='topk=7.*6 phrases'):
            self.generate(few, tmp_path / 'a.json', topk=7)

    def test_clip_without_weights(self, few, tmp_path):
        cfg = Config.fromfile(str(few / 'config.py'))
        cfg.model.backbone.pretrained = None
        cfg.model.cls_head.text_encoder.pretrained = None
        with pytest.raises(ValueError, match='backbone.pretrained'):
            generate_attributes(cfg, LEXICON, 3, str(tmp_path / 'a.json'))

    def test_backbone_that_is_no_clip(self, few, tmp_path):
        cfg = Config.fromfile(str(few / 'config.py'))
        cfg.model.backbone = dict(
            type='ResNet', depth=18, pretrained='torchvision://resnet18'
        )
        with pytest.raises(ValueError, match='CLIPImageEncoder.*ResNet'):
            generate_attributes(cfg, LEXICON, 3, str(tmp_path / 'a.json'))

    def test_frame_folders(self, few, tmp_path, data_root):
        cfg = load_config('bike_demo')
        raw = load_config('bike_vitb32_k400')
        use_rawframes(raw)
        tiny = Config.fromfile(str(few / 'config.py'))
        cfg.model = tiny.model
        cfg.work_dir = str(tmp_path)
        dataset = raw.test_dataloader.dataset
        for transform in dataset.pipeline:
            if transform.type == 'RoundedCenterCrop':
                transform.crop_size = 64
        dataset.ann_file = f'{data_root}/kinetics400_val_list_rawframes.txt'
        dataset.data_prefix.img = f'{data_root}/rawframes_val'
        cfg.test_dataloader.dataset = dataset
        out = tmp_path / 'attributes.json'
        generate_attributes(cfg, LEXICON, 2, str(out))
        file = AttributeFile(str(out))
        assert len(file) == 5
        assert file.find('rawframes_val/v3') == file.find('x/v3.mp4')
