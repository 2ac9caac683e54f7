"""What is refused, or told, before the first epoch."""

import pytest

from bike_mmaction.models.wrappers import number_of_classes


@pytest.fixture
def lines(cfg, tmp_path):
    """Writes the list of a split."""

    def write(split, rows):
        path = tmp_path / f'{split}.txt'
        path.write_text('\n'.join(rows) + '\n')
        cfg[f'{split}_dataloader'].dataset.ann_file = str(path)

    return write


def test_schedule(cfg, build):
    cfg.train_cfg.max_epochs = 6
    runner = build()
    with pytest.raises(
        ValueError,
        match='train_cfg.max_epochs=6, but param_scheduler.0 '
        '.CosineAnnealingLR. falls until epoch 1.*--epochs',
    ):
        runner.train()
    assert runner.iter == 0


def test_schedules_of_iterations(cfg, build):
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=5)
    with pytest.raises(ValueError, match='max_iters=5, .*iteration 2'):
        build().train()  # an epoch: two batches


def test_no_batch(cfg, build):
    """MMAction2's loop would have epochs without any, and say nothing."""
    cfg.train_dataloader.batch_size = 50
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    cfg.param_scheduler = [dict(type='MultiStepLR', milestones=[1])]
    with pytest.raises(ValueError, match='has 5 videos, not one batch of 50'):
        build().train()


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize(
    'line, words',
    [
        ('v1.mp4 29', "txt': label 29 of '.*v1.mp4' .entry 2. .*out of .* 29 cl"),
        ('v1.mp4', "1 of 3 videos in '.*txt' have no label, .*'.*v1.mp4'"),
    ],
)
def test_labels(cfg, build, lines, split, line, words):
    lines(split, ['v0.mp4 0', line, 'v2.mp4 28'])
    runner = build()
    with pytest.raises(ValueError, match=words) as error:
        runner.train()
    assert f'{split}.txt' in str(error.value)
    assert runner.iter == 0


@pytest.mark.parametrize(
    'line, words',
    [
        ('v1.mp4 29', "label 29 of '.*v1.mp4' .entry 2. is out of range"),
        ('v1.mp4', "1 of 3 videos in '.*test.txt' have no label.*DumpResults"),
    ],
)
def test_labels_of_a_test(cfg, build, lines, line, words):
    lines('test', ['v0.mp4 0', line, 'v2.mp4 28'])
    with pytest.raises(ValueError, match=words):
        build().test()


def test_labels_of_a_test_do_not_hinder_training(cfg, build, lines):
    """It may be of another data set."""
    lines('test', ['v0.mp4 99'])
    build().train()


def test_number_of_classes(build):
    model = build().model
    assert number_of_classes(model) == 29
    assert number_of_classes(model.backbone) is None


class TestBatchSize:
    @pytest.fixture(autouse=True)
    def quick(self, without_validation):
        pass

    def told(self, build, warnings):
        build().train()
        return [x for x in warnings() if 'learning rate is for' in x]

    def test_other_than_that_of_the_rate(self, build, warnings):
        (text,) = self.told(build, warnings)
        assert 'batch_size=2: a step sees 2 videos' in text
        assert 'rate is for 256 (auto_scale_lr.base_batch_size)' in text
        assert 'set train_dataloader.batch_size=256, or' in text
        assert '--auto-scale-lr' in text

    def test_accumulated(self, cfg, build, warnings):
        cfg.auto_scale_lr.base_batch_size = 6
        cfg.optim_wrapper.accumulative_counts = 3
        assert not self.told(build, warnings)
        cfg.optim_wrapper.accumulative_counts = 2
        (text,) = self.told(build, warnings)
        assert '=2 x 2 accumulated batches: a step sees 4 videos' in text
        assert 'batch_size=3, or' in text
        cfg.auto_scale_lr.base_batch_size = 7
        text = self.told(build, warnings)[-1]
        assert 'for 7' in text and 'set train_dataloader' not in text

    @pytest.mark.parametrize(
        'change',
        [
            lambda cfg: cfg.auto_scale_lr.update(base_batch_size=2),
            lambda cfg: cfg.auto_scale_lr.update(enable=True),
            lambda cfg: cfg.pop('auto_scale_lr'),
            lambda cfg: cfg.train_dataloader.update(batch_size=50),
        ],
    )
    def test_nothing_to_tell(self, cfg, build, warnings, change):
        change(cfg)
        assert not self.told(build, warnings)
