import json

import pytest
import torch.distributed as dist
import torch.multiprocessing as mp
from mmaction.registry import DATASETS
from mmengine.runner import Runner

from bike_mmaction.errors import PipelineError
from tests.kit.configs import load_config, shrink
from tests.kit.tools import free_port


def write_list(path, counts):
    """A list with so many videos of each class; nothing is decoded here."""
    with open(path, 'w') as file:
        for label, count in enumerate(counts):
            file.writelines(f'c{label}_v{i}.mp4 {label}\n' for i in range(count))
    return dict(type='VideoDataset', ann_file=str(path), pipeline=[])


def build(dataset, **kwargs):
    return DATASETS.build(dict(type='FewShotDataset', dataset=dataset, **kwargs))


def labels(dataset):
    return [line.split()[-1] for line in dataset.chosen()]


def test_shots_of_each_class(tmp_path):
    dataset = write_list(tmp_path / 'list.txt', [8, 5, 9])
    few = build(dataset, shots=2)
    assert labels(few) == ['0', '0', '1', '1', '2', '2']
    assert len(set(few.chosen())) == 6


def test_epoch_keeps_its_length(tmp_path):
    few = build(write_list(tmp_path / 'list.txt', [8, 5, 9]), shots=2)
    assert len(few) == 18  # 22 videos, of 6 each 3 times
    assert few.get_data_info(6) == few.get_data_info(0)
    few = build(write_list(tmp_path / 'list.txt', [2, 2]), shots=2)
    assert len(few) == 4


def test_seeds(tmp_path):
    dataset = write_list(tmp_path / 'list.txt', [30, 30])
    drawn = [build(dataset, shots=5, seed=s).chosen() for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def draw_on_rank(rank, port, dataset, folder):
    from mmaction.utils import register_all_modules
    from mmengine.runner import set_random_seed

    import bike_mmaction  # noqa: F401

    register_all_modules()
    dist.init_process_group(
        'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2
    )
    set_random_seed(5, diff_rank_seed=True)  # as --diff-rank-seed does
    with open(f'{folder}/{rank}.json', 'w') as file:
        json.dump([build(dataset, shots=5, seed=s).chosen() for s in (0, 1)], file)
    dist.destroy_process_group()


def test_ranks_draw_the_same(tmp_path):
    dataset = write_list(tmp_path / 'list.txt', [30, 30])
    mp.spawn(draw_on_rank, args=(free_port(), dataset, str(tmp_path)), nprocs=2)
    ranks = [json.loads((tmp_path / f'{r}.json').read_text()) for r in (0, 1)]
    here = [build(dataset, shots=5, seed=s).chosen() for s in (0, 1)]
    assert ranks[0] == ranks[1] == here
    assert here[0] != here[1]


def test_class_with_fewer_videos(tmp_path):
    dataset = write_list(tmp_path / 'list.txt', [8, 1])
    with pytest.raises(ValueError, match='class 1 has 1 videos, but shots=2'):
        build(dataset, shots=2)
    few = build(dataset, shots=2, allow_fewer=True)
    assert labels(few) == ['0', '0', '1']


def test_class_without_videos(tmp_path):
    dataset = write_list(tmp_path / 'list.txt', [8, 8])
    with pytest.raises(ValueError, match='class 2 has 0 videos'):
        build(dataset, shots=2, num_classes=3)
    few = build(dataset, shots=2, num_classes=3, allow_fewer=True)
    assert labels(few) == ['0', '0', '1', '1']


def test_lines_are_those_of_the_list(tmp_path):
    """So that what was drawn can be a list itself."""
    lines = [f'{c}/v{i}.mp4 {i}.5 {i + 2}.0 {c}' for i in (1, 2) for c in '01']
    (tmp_path / 'list.txt').write_text('\n'.join(lines) + '\n')
    few = build(
        dict(
            type='VideoSegmentDataset',
            ann_file=str(tmp_path / 'list.txt'),
            data_prefix=dict(video='data/videos'),
            pipeline=[],
        ),
        shots=2,
    )
    assert sorted(few.chosen()) == sorted(lines)
    frames = [f'{c}/v{i} {10 + i} {c}' for i in range(3) for c in '01']
    (tmp_path / 'frames.txt').write_text('\n'.join(frames) + '\n')
    few = build(
        dict(
            type='RawframeDataset',
            ann_file=str(tmp_path / 'frames.txt'),
            data_prefix=dict(img='data/frames'),
            pipeline=[],
        ),
        shots=1,
    )
    assert set(few.chosen()) < set(frames) and len(few.chosen()) == 2


def test_data_set_that_repeats(tmp_path):
    dataset = write_list(tmp_path / 'list.txt', [8, 8])
    with pytest.raises(TypeError, match='not from a RepeatDataset'):
        build(dict(type='RepeatDataset', dataset=dataset, times=2), shots=2)


def test_several_labels(tmp_path):
    (tmp_path / 'list.txt').write_text('a.mp4 0 1\nb.mp4 1\n')
    dataset = dict(
        type='VideoDataset',
        ann_file=str(tmp_path / 'list.txt'),
        pipeline=[],
        multi_class=True,
        num_classes=2,
    )
    with pytest.raises(ValueError, match="one label a video; 'a.mp4'"):
        build(dataset, shots=1)


def test_no_shots(tmp_path):
    with pytest.raises(ValueError, match='shots=0'):
        build(write_list(tmp_path / 'list.txt', [2]), shots=0)


def test_training_writes_what_was_drawn(data_root, tmp_path):
    cfg = shrink(load_config('bike_vitb32_k400'), data_root, tmp_path)
    loader = cfg.train_dataloader
    loader.dataset = dict(type='FewShotDataset', dataset=loader.dataset, shots=1)
    cfg.custom_hooks = [dict(type='WriteFewShotList')]
    for name in ('cfg', 'dataloader', 'evaluator'):
        cfg[f'val_{name}'] = None
    prefix = loader.dataset.dataset.data_prefix
    (tmp_path / 'few_shot_list.txt').write_text('of a good run')
    loader.dataset.dataset.data_prefix = dict(video='nowhere')
    with pytest.raises(PipelineError, match='nowhere'):
        Runner.from_cfg(cfg).train()
    assert (tmp_path / 'few_shot_list.txt').read_text() == 'of a good run'
    loader.dataset.dataset.data_prefix = prefix
    runner = Runner.from_cfg(cfg)
    runner.train()
    written = (tmp_path / 'few_shot_list.txt').read_text().splitlines()
    assert written == runner.train_dataloader.dataset.chosen()
    assert len(written) == 5


def test_hook_without_few_shots(data_root, tmp_path):
    cfg = shrink(load_config('bike_vitb32_k400'), data_root, tmp_path)
    cfg.custom_hooks = [dict(type='WriteFewShotList')]
    with pytest.raises(TypeError, match='FewShotDataset.*VideoDataset'):
        Runner.from_cfg(cfg).train()
