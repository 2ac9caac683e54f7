"""tools/train.py: its own options, and what it says of mistakes."""

import pytest
import torch
from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook

from bike_mmaction.cli import train
from tests.kit import ROOT
from tests.kit.configs import load_config, shrink, shrink_images
from tests.kit.tools import run_tool

GOOD = '# the config of a good run\n'


@pytest.fixture(scope='module')
def config(data_root, tmp_path_factory):
    """Path of a small config."""
    folder = tmp_path_factory.mktemp('train')
    cfg = shrink_images(
        shrink(load_config('bike_vitb32_k400'), data_root, folder / 'unused')
    )
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.auto_scale_lr.base_batch_size = 2
    cfg.dump(folder / 'small.py')
    return str(folder / 'small.py')


@pytest.fixture
def work(tmp_path):
    """A folder with the config of a good run."""
    (tmp_path / 'small.py').write_text(GOOD)
    return tmp_path


LIST = 'train_dataloader.dataset.ann_file'
OPTIONS = [
    ([f'{LIST}=absent.txt'], "there is no list 'absent.txt'"),
    (['load_from=absent.pth'], "checkpoint 'absent.pth' does not exist"),
    (['load_from=README.md'], "cannot read checkpoint 'README.md'"),
    (['train_cfg.max_epochs=6'], 'train_cfg.max_epochs=6, but param_schedul'),
    (['model.cls_head.class_names=ucf101'], "'ucf101' has 101 names, but"),
    (['model.type=CLIPRecogniser'], 'CLIPRecogniser is not in the mmaction'),
    (['model.backbone.depth=3'], "unexpected keyword argument 'depth'"),
    (['model.cls_hed.num_classes=3'], "unexpected keyword argument 'cls_hed'"),
    (['model.cls_head.num_clases=3'], "unexpected keyword argument 'num_clases'"),
    (['train_dataloader.batchsize=3'], "unexpected keyword argument 'batchsize'"),
    (['clip_len=9'], '--cfg-options clip_len=... would have no effect'),
    (['train_dataloader.dataset.data_prefix.video=nowhere'], "cannot use 'nowhere/v"),
]


@pytest.mark.parametrize('options, words', OPTIONS)
def test_a_mistake_is_one_line(config, work, monkeypatch, options, words):
    """And leaves the config of the run before as it was."""
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as end:
        run_tool('train', config, '--work-dir', work, '--cfg-options', *options)
    text = end.value.code
    assert text.startswith('train: error: ') and words in text
    assert 'Traceback' not in text
    assert (work / 'small.py').read_text() == GOOD


def test_labels_and_video_in_a_worker(config, work, tmp_path):
    rows = ['gone0.mp4 3', 'gone1.mp4 28']
    options = (f'{LIST}={tmp_path}/list.txt', 'train_dataloader.num_workers=1')
    for last, words in (('v2.mp4 29', 'label 29 of '), ('gone2.mp4 1', "cannot use '")):
        (tmp_path / 'list.txt').write_text('\n'.join([*rows, last]) + '\n')
        with pytest.raises(SystemExit) as end:
            run_tool('train', config, '--work-dir', work, '--cfg-options', *options)
        text = end.value.code
        assert text.startswith('train: error: ') and words in text
        assert len(text.splitlines()) == 1
        assert (work / 'small.py').read_text() == GOOD


@pytest.mark.parametrize(
    'content, words',
    [
        (None, "config '.*own.py' does not exist"),
        ('model = dict(', "cannot read the config '.*own.py' line 1: SyntaxError"),
        ('x = absent', "cannot read the config '.*own.py' line 1: NameError.*absent"),
        ("work_dir = 'x'", "the config '.*own.py' has no `model`"),
        ("_base_ = 'gone.py'", "cannot read the config '.*own.py': .*gone.py"),
    ],
)
def test_config_that_cannot_be_read(tmp_path, content, words):
    path = tmp_path / 'own.py'
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit, match=f'train: error: {words}'):
        run_tool('train', path, '--work-dir', tmp_path)


@pytest.mark.parametrize(
    'options, words',
    [
        (
            ['--epochs', '2', '--cfg-options', 'train_cfg.max_epochs=2'],
            'give one of them',
        ),
        (['--override-schedule'], 'is for --resume'),
    ],
)
def test_options_that_do_not_fit(config, work, options, words):
    with pytest.raises(SystemExit, match=f'train: error: .*{words}'):
        run_tool('train', config, '--work-dir', work, *options)


def test_options_without_a_value(config, capsys):
    with pytest.raises(SystemExit):
        run_tool('train', config, '--cfg-options', 'foo')
    assert '--cfg-options must be of the form KEY=VALUE' in capsys.readouterr().err


def test_seed_goes_where_mmaction2_takes_it():
    """Which replaces `randomness` only if a config has none."""
    parser = train.parser()
    for said, options, expected in (
        (None, [], None),
        (None, ['--seed', '3'], None),
        ({}, [], dict(seed=None)),
        (dict(seed=1), ['--deterministic'], dict(seed=1, deterministic=True)),
        (dict(seed=1), ['--seed', '3'], dict(seed=3)),
    ):
        cfg = Config({} if said is None else dict(randomness=said))
        train.change_file(cfg, parser.parse_args(['own.py', *options]))
        assert cfg.get('randomness') == expected


def test_saving_in_the_middle_of_epochs():
    """By whatever hook a config has; one by iterations does so already."""
    for hook, expected in (
        (None, dict(type='CheckpointHook', save_every=5)),
        (dict(type='X', interval=2), dict(type='X', interval=2, save_every=5)),
        (dict(by_epoch=False, interval=9), dict(by_epoch=False, interval=5)),
    ):
        cfg = Config(dict(default_hooks=dict(checkpoint=hook)))
        train.save_every(cfg, 5)
        assert cfg.default_hooks.checkpoint == expected


@HOOKS.register_module(force=True)
class Faulty(Hook):
    """A fault of a program."""

    def before_run(self, runner):
        self.wrong = runner.no_such_thing


@HOOKS.register_module(force=True)
class FaultyValue(Hook):
    """Raises what a wrong value does, but not on purpose."""

    def before_run(self, runner):
        first, second = range(3)


@HOOKS.register_module(force=True)
class FaultyTensor(Hook):
    """So does torch's own code."""

    def __init__(self):
        torch.zeros(2, 3) @ torch.zeros(2, 3)


@HOOKS.register_module(force=True)
class FaultyLater(Hook):
    """Of the kind that a wrong value gives, but in training."""

    def before_train_iter(self, runner, *args, **kwargs):
        raise ValueError('shapes do not match')


@pytest.mark.parametrize(
    'hook, error',
    [
        ('Faulty', AttributeError),
        ('FaultyValue', ValueError),
        ('FaultyTensor', RuntimeError),
        ('FaultyLater', ValueError),
    ],
)
def test_faults_of_programs_keep_their_traceback(config, work, hook, error):
    cfg = Config.fromfile(config)
    cfg.custom_hooks = [dict(type=hook)]
    cfg.dump(work / 'faulty.py')
    with pytest.raises(error):
        run_tool('train', work / 'faulty.py', '--work-dir', work)


def test_a_check_is_turned_off(config, work):
    """A cosine of several waves, for example, is no mistake of its user."""
    args = (
        'train',
        config,
        '--work-dir',
        work,
        '--cfg-options',
        'train_cfg.max_epochs=3',
        'param_scheduler.0.T_max=1',
    )
    with pytest.raises(SystemExit, match='falls until epoch 1'):
        run_tool(*args)
    run_tool(*args, 'default_hooks.check_start=None')
    assert (work / 'epoch_3.pth').exists()


def test_epochs_and_schedule(config, work):
    """A config without these checks gets them."""
    cfg = Config.fromfile(config)
    cfg.pop('default_hooks')
    cfg.dump(work / 'other.py')
    run_tool('train', work / 'other.py', '--work-dir', work, '--epochs', 3)
    used = Config.fromfile(work / 'other.py')
    assert used.train_cfg.max_epochs == 3
    assert used.param_scheduler[0].T_max == used.param_scheduler[0].end == 3
    assert set(used.default_hooks) > {'check_start', 'check_finite', 'bad_videos'}
    state = torch.load(work / 'epoch_3.pth', weights_only=False)
    group = state['optimizer']['param_groups'][0]
    assert group['lr'] < 0.1 * group['initial_lr']
    # Going on with other options.
    again = ('train', work / 'other.py', '--work-dir', work, '--epochs', 4, '--resume')
    with pytest.raises(SystemExit, match='T_max: 3 -> 4 epochs'):
        run_tool(*again)
    run_tool(*again, '--override-schedule')
    assert (work / 'epoch_4.pth').exists()
