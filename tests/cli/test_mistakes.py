"""What a user can mend is told in one line, by every command."""

import re
from importlib.util import find_spec

import pytest
import torch
from mmaction.registry import MODELS

import bike_mmaction_cli
from bike_mmaction.apis.export import MIN_TORCH
from bike_mmaction.compat import torch_version
from bike_mmaction.files import write_json
from bike_mmaction.recipes.pretrained import use_pretrained
from tests.kit.checks import collected
from tests.kit.configs import load_config, load_tiny, shrink, shrink_images
from tests.kit.models import CLASSES, TINY_ARCH, write_checkpoint, write_clip
from tests.kit.tools import run_tool

CONFIGS = {
    'syntax': ('model = dict(', 'SyntaxError'),
    'base': ("_base_ = 'gone.py'", 'gone.py'),
    'import': ("custom_imports = dict(imports=['no_such_module'])", 'no_such_module'),
    'name': ('x = absent', "name 'absent' is not defined"),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory, video):
    """A good config and checkpoint, and bad ones."""
    folder = tmp_path_factory.mktemp('mistakes')
    for name, (content, _) in CONFIGS.items():
        (folder / f'{name}.py').write_text(content)
    cfg = load_tiny(
        'bike_vitb32_k400', CLASSES, pretrained=write_clip(folder / 'clip.pt')
    )
    cfg.work_dir = str(folder / 'work')
    cfg.dump(folder / 'good.py')
    model = MODELS.build(cfg.model)
    write_checkpoint(model, folder / 'good.pth')
    (folder / 'text.pth').write_text('no checkpoint')
    (folder / 'empty.py').write_text('x = 1')
    bad = cfg.copy()
    (folder / 'list.txt').write_text('v.mp4 0\n')
    for split in ('train', 'val', 'test'):
        bad[f'{split}_dataloader'].dataset.ann_file = str(folder / 'list.txt')
    bad.dump(folder / 'listed.py')
    bad.model.type = 'CLIPRecogniser'
    bad.dump(folder / 'type.py')
    bad.model.type = 'CLIPRecognizer'
    bad.model.backbone.depth = 3
    bad.dump(folder / 'key.py')
    return folder


# Each command that reads a config.
COMMANDS = {
    'train': ['train', '{config}', '--cfg-options', 'load_from={checkpoint}'],
    'test': ['test', '{config}', '{checkpoint}'],
    'test-splits': ['test-splits', '{config}', '--checkpoints', '{checkpoint}'],
    'generate-attributes': [
        'generate-attributes',
        '{config}',
        '--lexicon',
        'ucf101',
        '--out',
        '{out}',
    ],
    'check-videos': ['check-videos', '{config}', '--out', '{out}'],
    'infer': [
        'infer',
        '{video}',
        '--config',
        '{config}',
        '--checkpoint',
        '{checkpoint}',
    ],
    'web': ['web', '--config', '{config}', '--checkpoint', '{checkpoint}'],
    'export': ['export', '{config}', '{checkpoint}', '{out}.pt2'],
}
LISTS = ('train', 'test', 'test-splits', 'generate-attributes', 'check-videos')
MODELS_OF = ('train', 'test', 'test-splits', 'infer', 'web', 'export')
WITH_CHECKPOINT = ('infer', 'web', 'export')


def mistakes():
    """(command, config, checkpoint, words, further arguments)."""
    for name in COMMANDS:
        for config, (_, words) in CONFIGS.items():
            yield name, config, 'good.pth', f'{config}.py.*{words}', []
    for name in MODELS_OF:
        words = "CLIPRecogniser is not in .*did you mean 'CLIPRecognizer'"
        yield name, 'type', 'good.pth', words, []
        yield name, 'key', 'good.pth', "unexpected keyword argument 'depth'", []
    for name in WITH_CHECKPOINT:
        yield name, 'good', 'none.pth', "none.pth' does not exist", []
        yield name, 'good', 'text.pth', "cannot read checkpoint '.*text.pth'", []
    for key, value, words in (
        ('optim_wrapper.optimizer.lr', 'abc', r'expected a number, .* \(5e-05\)'),
        ('optim_wrapper.optimizer', 'SGD', r'expected options, .*type=FusedAdamW'),
        ('param_scheduler.0.end', 'x', 'expected a number'),
        ('model.backbone', '5', 'expected options, .*type=CLIPImageEncoder'),
    ):
        more = [f'{key}={value}']
        yield 'train', 'good', 'good.pth', f'--cfg-options {key}={value}: {words}', more
    for key, value, words in (
        ('optim_wrapper.optimizer.type', 'AdmW', "is no optimizer; .*'AdamW'"),
        ('param_scheduler.0.type', 'LinerLR', "LinerLR is not in .*'LinearLR'"),
        ('model.backbone.arch.x', '1', 'arch'),
    ):
        yield 'train', 'listed', 'good.pth', words, [f'{key}={value}']
    for name in MODELS_OF:
        yield name, 'empty', 'good.pth', "empty.py' has no `model`", []
    more = ['train_cfg.max_epochs=1.5']
    yield 'train', 'listed', 'good.pth', 'max_epochs. should be a integer', more
    words = "--dump: cannot write '/no/folder/x.pkl'"
    yield 'test', 'good', 'good.pth', words, ['--dump', '/no/folder/x.pkl']
    words = "'kinetics40' is neither a file .*did you mean 'kinetics400'"
    yield 'infer', 'good', 'good.pth', words, ['--classes', 'kinetics40']
    yield 'infer', 'good', 'good.pth', "device='gpuu' cannot be used", ['--device=gpuu']
    for name in LISTS:
        words = r"dataloader.dataset.ann_file: there is no list 'data/kin.*bike prepare"
        yield name, 'good', 'good.pth', words, []
        if name != 'train':  # whose command ends with --cfg-options
            more = ['--cfg-options', 'modle.type=x']
            words = 'modle.type=... would have no effect'
            yield name, 'good', 'good.pth', words, more


def answer(argv):
    """What a command ends with."""
    with pytest.raises(SystemExit) as end:
        bike_mmaction_cli.main(argv)
    return end.value.code


def test_every_command_tells_them(folder, video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # which is empty, without lists
    missing = [] if find_spec('gradio') else ['web']
    missing += ['export'] if torch_version() < MIN_TORCH else []
    with collected() as check:
        for name, config, checkpoint, words, more in mistakes():
            if name in missing:
                continue
            values = dict(
                config=folder / f'{config}.py',
                checkpoint=folder / checkpoint,
                video=video,
                out=tmp_path / 'out',
            )
            argv = [text.format(**values) for text in COMMANDS[name]] + more
            with check((name, config, checkpoint, words)):
                text = answer(argv)
                assert re.match(f'bike {name}: error: .*{words}', text, re.S), text
                assert 'Traceback' not in text


def test_weights_that_would_be_random(data_root, tmp_path):
    """Of MMAction2's own recognizers, whose configs know of no checks."""
    cfg = shrink_images(shrink(load_config('bike_vitb32_k400'), data_root, tmp_path))
    cfg.model = dict(
        type='Recognizer2D',
        backbone=dict(type='ResNet', depth=18, norm_eval=False),
        cls_head=dict(type='TSNHead', num_classes=29, in_channels=512),
        data_preprocessor=cfg.model.data_preprocessor,
    )
    cfg.default_hooks = None
    cfg.dump(tmp_path / 'plain.py')
    model = MODELS.build(cfg.model)
    state = {
        name: value
        for name, value in model.state_dict().items()
        if not name.startswith('cls_head') and not name.endswith('batches_tracked')
    }
    torch.save(dict(state_dict=state), tmp_path / 'part.pth')
    state['cls_head.fc_cls.weight'] = torch.zeros(5, 512)
    state['cls_head.fc_cls.bias'] = torch.zeros(29)
    torch.save(dict(state_dict=state), tmp_path / 'shape.pth')
    config, work_dir = tmp_path / 'plain.py', tmp_path / 'work'
    with collected() as check:
        for command in (
            ['test', config],
            ['test-splits', config, '--checkpoints'],
            ['infer', data_root, '--config', config, '--checkpoint'],
        ):
            for file, problem in (
                ('part.pth', '2 tensors not in the checkpoint:.*fc_cls.weight'),
                ('shape.pth', r'1 tensors of another shape:.*weight: \(5, 512\)'),
            ):
                argv = [*command, tmp_path / file]
                if command[0] != 'infer':
                    argv += ['--work-dir', work_dir]
                with check((command[0], file)):
                    text = answer([str(word) for word in argv])
                    words = f"'.*{file}' does not fit this Recognizer2D.*{problem}"
                    assert re.search(words, text, re.S), text


def test_commands_without_config(tmp_path):
    """Files that are none of what they should be."""
    torch.save([1], tmp_path / 'list.pth')
    (tmp_path / 'text.pkl').write_text('no scores')
    out = str(tmp_path / 'out.pth')
    table = [
        (['convert-checkpoint', 'list.pth', out], "'.*list.pth' holds a list, not a"),
        (['convert-checkpoint', 'text.pkl', out], "text.pkl'"),
        (['merge-checkpoints', 'list.pth', 'list.pth', out], 'has no cls_head'),
        (['merge-checkpoints', 'text.pkl', 'list.pth', out], "text.pkl'"),
        (['fuse-scores', 'text.pkl'], "text.pkl'"),
        (['fuse-scores', 'none.pkl'], "none.pkl'"),
        (['reproduce', 'general', '--index', 'text.pkl'], "text.pkl' has no 'Models'"),
        (['prepare', 'ucf101', '--annotations', 'gone'], "gone' is no folder"),
        (['convert-list', 'gone.txt', out, '--to', 'videos'], "gone.txt'"),
    ]
    with collected() as check:
        for argv, words in table:
            argv = [
                str(tmp_path / text) if '.' in text or text == 'gone' else text
                for text in argv
            ]
            with check(argv):
                text = answer(argv)
                assert re.match(f'bike {argv[0]}: error: .*{words}', text), text
                assert 'Traceback' not in text


def test_pretrained_is_for_all_towers():
    """But not for a CLIP of another architecture."""
    cfg = load_tiny('bike_vitb16_vcs_k400', CLASSES, pretrained='openai')
    cfg.model.attributes_head = dict(text_encoder=dict(type='CLIPTextEncoder'))
    use_pretrained(cfg, 'mine.pt')
    assert cfg.model.backbone.pretrained == 'mine.pt'
    assert cfg.model.cls_head.text_encoder.pretrained == 'mine.pt'
    assert cfg.model.attributes_head.text_encoder.pretrained == 'mine.pt'
    assert 'association' not in cfg.model  # it takes the backbone's
    for arch, expected in ((cfg.model.backbone.arch, 'mine.pt'), ('ViT-L-14', 'tag')):
        cfg.model.association = dict(arch=arch, pretrained='tag')
        use_pretrained(cfg, 'mine.pt')
        assert cfg.model.association.pretrained == expected
    cfg.model = dict(type='Recognizer2D', backbone=dict(type='ResNet', pretrained='x'))
    with pytest.raises(ValueError, match='mine.pt: the config has no tower of CLIP'):
        use_pretrained(cfg, 'mine.pt')


def test_inference_with_own_weights(folder, video, tmp_path, capsys):
    """Of a config without any; the file must hold a CLIP of its kind."""
    cfg = load_tiny('bike_vitb16_vcs_k400', CLASSES)
    cfg.dump(tmp_path / 'vcs.py')
    weights = write_clip(tmp_path / 'clip.pt')
    args = ['infer', video, '--config', tmp_path / 'vcs.py', '--device', 'cpu']
    args += ['--classes', 'yoga,a dog', '--pretrained']
    run_tool(*args, weights)
    printed = capsys.readouterr().out
    assert printed.startswith('clip.mp4: ')
    run_tool(*args, write_clip(tmp_path / 'other.pt', seed=1))
    assert capsys.readouterr().out != printed
    told = dict(model_cfg=TINY_ARCH, preprocess_cfg={})
    write_json(str(tmp_path / 'open_clip_config.json'), told)
    (tmp_path / 'other.pt').unlink()
    run_tool(*args, f'local-dir:{tmp_path}')  # with clip.pt alone
    assert capsys.readouterr().out == printed
    refused = (tmp_path / 'gone.pt', f'local-dir:{tmp_path}/gone', 'hf-hub:me/gone')
    for name in refused:
        with pytest.raises(SystemExit) as end:
            run_tool(*args, name)
        assert re.match(f"infer: error: .*{name}'", end.value.code)
    with pytest.raises(SystemExit) as end:
        run_tool(*args, folder / 'text.pth')
    assert re.match("infer: error: .*text.pth'", end.value.code)
