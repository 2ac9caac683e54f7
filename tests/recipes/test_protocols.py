"""Few-shot training and zero-shot tests, of any config."""

from bike_mmaction.datasets.pipeline_access import own_dataset
from bike_mmaction.recipes import few_shot, zero_shot
from tests.kit.checks import collected
from tests.kit.configs import load_config

TESTED = [
    ('ucf101', None, 'ucf101/ucf101_full'),
    ('ucf101', 2, 'ucf101/ucf101_val_split2'),
    ('hmdb51', None, 'hmdb51/hmdb51_full'),
    ('activitynet', None, 'activitynet/activitynet_full'),
    ('kinetics600_zeroshot', 3, 'kinetics600/kinetics600_zeroshot_test_split3'),
]


def test_what_zero_shot_tests():
    """All videos of a data set, as published, or those of a split."""
    with collected() as check:
        for name, split, path in TESTED:
            for evaluator in ('frames', 'video'):
                cfg = load_config('bike_vitl14_k400')
                zero_shot(cfg, name, split, evaluator)
                dataset = cfg.test_dataloader.dataset
                with check(f'{path}, {evaluator}'):
                    assert dataset.ann_file == f'data/{path}_list_videos.txt'
                    assert dataset.type == 'VideoDataset'
                    assert dataset.data_prefix.video.endswith(
                        'videos_test' if '600' in name else f'{name}/videos'
                    )


def test_other_shots_than_before():
    cfg = load_config('bike_vitl14_hmdb51_2shot')
    few_shot(cfg, shots=5, seed=3)
    expected = load_config('bike_vitl14_hmdb51_5shot')
    expected.train_dataloader.dataset.seed = 3
    assert cfg.train_dataloader == expected.train_dataloader
    assert cfg.custom_hooks == expected.custom_hooks


def test_few_shots_of_any_data_set():
    cfg = load_config('bike_vitl14_16f_ucf101_split1')
    cfg.custom_hooks = [dict(type='EMAHook')]
    assert cfg.model.neck and cfg.load_from
    few_shot(cfg, shots=3, seed=7)
    assert cfg.model.neck is cfg.load_from is None
    assert [h['type'] for h in cfg.custom_hooks] == ['EMAHook', 'WriteFewShotList']
    assert own_dataset(cfg, 'train').type == 'VideoDataset'
    assert cfg.train_dataloader.dataset.seed == 7
