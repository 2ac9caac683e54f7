"""What a stranger may have put into a shared model: each is refused in one line.

Nothing of a hostile config is built, imported, downloaded or read.
"""

import json
import os
import pickle
import re
import shutil
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file, save_file

from bike_mmaction.apis import BIKEInferencer
from bike_mmaction.apis.hub import reading, saving
from bike_mmaction.errors import SharedModelError
from bike_mmaction.shipped import find_config
from tests.kit.families import make_family
from tests.kit.shared_models import build, change, replace, tiny_config

BACKBONE, HEAD = 'model__backbone', 'model__cls_head'
ARCH = f'{BACKBONE}__arch'
SWIN = dict(type='SwinTransformer3D')
TYPE, OPTION = r'type=.* is not allowed', 'the option .* is not allowed'
WORD = 'expected a word, no path'
# Each of these changes the config: keys, and what the message must say.
CONFIGS = [
    # types: MMEngine would import and call whatever has a dot
    ({'model__type': 'os.system'}, TYPE),
    ({f'{HEAD}__type': 'torch.hub.load'}, TYPE),
    ({f'{HEAD}__loss_cls': {'type': 'builtins.eval'}}, TYPE),
    ({f'{HEAD}__text_encoder__type': ['CLIPTextEncoder']}, TYPE),
    ({f'{BACKBONE}__type': 'mmaction.CLIPImageEncoder'}, TYPE),
    ({f'{BACKBONE}__type': 'mmpretrain::ResNet'}, TYPE),
    ({f'{BACKBONE}__type': 'timm.hf-hub:org/name'}, TYPE),
    ({f'{BACKBONE}__type': 'timm.local-dir:/tmp/evil'}, TYPE),
    ({f'{BACKBONE}__type': 'torchvision.get_model_weights'}, TYPE),
    ({f'{BACKBONE}__type': 'CLIPRecognizer'}, TYPE),
    ({'model__neck__type': 'PretrainedInit'}, TYPE),
    ({'model__data_preprocessor__type': 'os.system'}, TYPE),
    ({'test_pipeline__0__type': 'subprocess.Popen'}, TYPE),
    ({'test_pipeline__1__type': 'LoadAttributes'}, TYPE),
    ({'test_pipeline__3__type': 'mmcv.transforms.LoadImageFromFile'}, TYPE),
    ({f'{ARCH}__vision_cfg__layers': [{'type': 'os.system'}]}, "'type' is not allowed"),
    ({f'{ARCH}__text_cfg__act_kwargs': {'a': {'type': 'x'}}}, "'type' is not allowed"),
    ({'model__test_cfg': {'type': 'os.system', 'command': 'id'}}, "'type' is not all"),
    ({'test_pipeline__3__scale': [{'type': 'os.system'}]}, "'type' is not allowed"),
    # options that import, read or download
    ({'custom_imports': {'imports': ['antigravity']}}, 'unknown'),
    ({'_base_': '../evil.py'}, 'unknown'),
    ({'load_from': 'http://x/y.pth'}, 'unknown'),
    ({'model___scope_': 'mmdet'}, OPTION),
    ({'model___delete_': True}, OPTION),
    ({'model__metafile': 'x.yml'}, OPTION),
    ({'model__init_cfg': {'type': 'Pretrained', 'checkpoint': 'http://x'}}, OPTION),
    ({f'{BACKBONE}__pretrained': 'openai'}, OPTION),
    ({f'{BACKBONE}__init_cfg': {'type': 'Pretrained'}}, OPTION),
    ({f'{BACKBONE}__compile': {'backend': 'evil'}}, OPTION),
    ({f'{HEAD}__text_encoder__pretrained': '/etc/passwd'}, OPTION),
    ({'test_pipeline__0__backend_args': {'backend': 'petrel'}}, OPTION),
    ({'model__association': {'lexicon': ['a'], 'pretrained': 'openai'}}, OPTION),
    ({'model__association': {'lexicon': '/etc/passwd'}}, 'expected a list of texts'),
    # files of this machine as texts
    ({f'{HEAD}__class_names': '/etc/passwd'}, 'expected a list of texts'),
    ({f'{HEAD}__class_names': 'kinetics400'}, 'expected a list of texts'),
    ({f'{HEAD}__class_names': [['a']]}, 'expected texts'),
    ({f'{HEAD}__class_names': ['a' * 10**6] * 4}, 'expected texts of at most'),
    ({f'{HEAD}__prompt': '/etc/passwd'}, "must contain '{}' once"),
    ({f'{HEAD}__prompt': ['{}', '/etc/passwd']}, "must contain '{}' once"),
    ({f'{HEAD}__prompt': '{} {}'}, "must contain '{}' once"),
    ({f'{HEAD}__prompt': 7}, 'expected a text'),
    # architectures, tokenizers and towers from elsewhere
    ({ARCH: 'hf-hub:org/evil'}, 'expected an object'),
    ({ARCH: 'local-dir:/tmp/evil'}, 'expected an object'),
    ({f'{ARCH}__vision_cfg': 'x'}, 'expected an object'),
    ({f'{ARCH}__vision_cfg__timm_model_name': 'hf-hub:org/x'}, WORD),
    ({f'{ARCH}__vision_cfg__timm_model_name': 'evil'}, 'is no model of timm'),
    ({f'{ARCH}__text_cfg__hf_model_name': 'roberta-base'}, "expected 'text_model'"),
    ({f'{ARCH}__text_cfg__hf_tokenizer_name': '/etc'}, WORD),
    ({f'{ARCH}__text_cfg__hf_tokenizer_name': 'gpt2'}, "expected 'tokenizer'"),
    ({f'{ARCH}__text_cfg__tokenizer_kwargs': {'trust_remote_code': True}}, OPTION),
    # numbers and words
    ({'model__neck__num_layers': 10**6}, 'is more than 1000'),
    ({f'{ARCH}__vision_cfg__layers': 10**9}, 'is more than 1000'),
    ({f'{ARCH}__embed_dim': 10**12}, 'is more than 1000000'),
    ({f'{ARCH}__vision_cfg__image_size': 10**5}, 'is more than 2048'),
    ({'test_pipeline__1__clip_len': 10**6}, 'is more than 1000'),
    ({BACKBONE: dict(SWIN, arch=dict(depths=[999] * 9))}, 'depths=8991 is more'),
    ({'test_pipeline__0__num_threads': 10**6}, 'is more than 1000'),
    ({'test_pipeline__1__clip_len': 99, 'test_pipeline__3__scale': 4000}, 'too large'),
    ({f'{HEAD}__class_names': ['a'] * 9999, f'{HEAD}__prompt': ['{}'] * 999}, 'sente'),
    ({'test_pipeline__3__interpolation': '/etc/passwd'}, WORD),
    ({'test_pipeline__3__scale': float('nan')}, 'no finite number'),
    ({'test_pipeline__3__scale': -float('inf')}, 'no finite number'),
    ({'test_pipeline': []}, 'expected a list of transforms'),
    ({'test_pipeline': [{'type': 'PackActionInputs'}]}, 'there is no VideoInit'),
    ({'test_pipeline__1__num_clips': 1000, 'test_pipeline__1__clip_len': 11}, 'frames'),
    ({'model': []}, 'expected an object'),
    ({'threshold': 2}, 'expected a number from 0 to 1'),
    ({f'{HEAD}__class_names': ['\ud800']}, 'no Unicode text'),
    # names of files
    ({'files': ['../../secret.safetensors']}, 'no file of a shared model'),
    ({'files': ['/etc/passwd']}, 'no file of a shared model'),
    ({'files': ['model.pth']}, 'no file of a shared model'),
    ({'files': [None]}, 'no file of a shared model'),
    ({'files': 'model.safetensors'}, 'must be a list'),
    ({'format': 'x'}, "'format' must be 1"),
    ({'format': True}, "'format' must be 1"),
]
# Other contents of the config.
TEXTS = [
    ('', 'is not JSON'),
    ('[]', 'expected a JSON object, got list'),
    ('{"format": 1', 'is not JSON'),
    ('{"format": 1, "format": 1}', 'there again'),
    ('{}', "'format' must be 1"),
    ('{"format": 1}', 'absent'),
    ('[' * 10**5, 'nested too deeply|JSON'),
    ('{"a":' * 30 + '1' + '}' * 30, 'levels deep'),
    ('{"format": ' + '1' * 5000 + '}', 'JSON'),
    (b'\xff\xfe\x00', 'UTF-16'),
    (b'\x80\x04abc', 'UTF-8'),
    (b' ' * (2**24 + 1), 'more than the'),
]


def cases_of_weights(folder):
    """Wrong weights, by functions that write them over those of a copy."""
    name = 'model.safetensors'
    whole, tensors = (folder / name).read_bytes(), load_file(folder / name)
    first = min(tensors)

    def writes(content, **more):
        return lambda copy: save_file({**content, **more}, copy / name)

    def puts(content):
        return lambda copy: replace(copy / name, content)

    rest = {key: value for key, value in tensors.items() if key != first}
    other = {first: torch.zeros(3, 5)}
    numbers = {first: tensors[first].long()}
    return [
        (puts(whole[:-7]), 'damaged, or no safetensors'),
        (puts(whole[:100]), 'damaged, or no safetensors'),
        (puts(b''), 'damaged, or no safetensors'),
        (puts(b'\xff' * 8 + whole[8:]), 'damaged, or no safetensors'),
        (puts(pickle.dumps(print)), 'is a pickle'),
        (lambda copy: torch.save(tensors, copy / name), 'is a pickle'),
        (lambda copy: (copy / name).unlink(), 'does not exist'),
        (writes(rest), f'not in it, such as {first}'),
        (writes(tensors, evil=torch.zeros(1)), 'not in the model, such as evil'),
        (writes(tensors, **numbers), f'another kind of number, such as {first}'),
        (writes(tensors, **other), r'another shape, such as .*\(3, 5\) in it'),
    ]


def refusal(folder):
    """The message of a refused model; '' where it is taken."""
    try:
        BIKEInferencer.from_pretrained(str(folder), device='cpu', workers=0)
    except SharedModelError as error:
        return str(error)
    return ''


class Trial:
    """Refused copies of a shared model; all failures are told at the end."""

    def __init__(self, shared, copy_of):
        self.shared, self.copy_of, self.failures, self.count = shared, copy_of, [], 0

    def expect(self, what, change_copy, file, pattern):
        """That a changed copy is refused, and the file named in one line."""
        self.count += 1
        folder = self.copy_of(self.shared, f'c{self.count}')
        change_copy(folder)
        try:
            message = refusal(folder)
        except Exception as error:
            message = f'{type(error).__name__} in place of a refusal: {error}'
        begin = f"the model '{folder}' is refused: {file}: "
        if not (
            message.startswith(begin)
            and '\n' not in message
            and re.search(pattern, message[len(begin) :])
        ):
            self.failures.append(f'{what}: {message or "it is taken"}')
        shutil.rmtree(folder)

    def end(self):
        assert not self.failures, '\n'.join(self.failures)


@pytest.fixture
def trial(shared, copy_of):
    return Trial(shared, copy_of)


def test_hostile_configs_are_refused_before_anything_is_built(trial):
    with mock.patch.object(reading, 'MODELS') as models:
        for keys, pattern in CONFIGS:
            trial.expect(
                f'{keys}'[:200],
                lambda folder, keys=keys: change(folder, **keys),
                'bike_config.json',
                pattern,
            )
        for text, pattern in TEXTS:
            trial.expect(
                f'{text[:40]!r}',
                lambda folder, text=text: replace(folder / 'bike_config.json', text),
                'bike_config.json',
                pattern,
            )
        models.build.assert_not_called()
    trial.end()


def test_wrong_weights_are_refused(trial, shared):
    for number, (write, pattern) in enumerate(cases_of_weights(shared)):
        trial.expect(f'case {number}', over(write), 'model.safetensors', pattern)
    # Towers that would fill the memory, where the weights have others.
    huge = {f'{HEAD}__text_encoder__arch__text_cfg__vocab_size': 10**6}
    trial.expect(
        'huge', lambda f: change(f, **huge), 'model.safetensors', 'another shape'
    )
    odd = {'model__neck__num_heads': 7}
    trial.expect(
        'odd', lambda f: change(f, **odd), 'bike_config.json', 'cannot be built: .*7'
    )
    trial.end()


def over(write):
    """A change that replaces the weights, which other folders share."""

    def change_copy(folder):
        path = folder / 'model.safetensors'
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
        write(folder)

    return change_copy


def test_wrong_parts_of_weights_are_refused(bike, tmp_path, copy_of):
    with mock.patch.object(saving, 'MOST_BYTES', '1MB'):
        bike.save_pretrained(tmp_path / 'parts')
    index = 'model.safetensors.index.json'
    places = json.loads((tmp_path / 'parts' / index).read_text())['weight_map']
    first, shard = next(iter(places.items()))

    def names(**changes):
        content = json.dumps(dict(weight_map={**places, **changes}))
        return lambda folder: replace(folder / index, content)

    trial = Trial(tmp_path / 'parts', copy_of)
    for path in ('../x.safetensors', '/etc/passwd', 'c:x.safetensors', 'model.bin'):
        trial.expect(path, names(**{first: path}), index, 'is no file beside it')
    trial.expect('other', names(evil=shard), shard, 'its tensors are not those')
    trial.expect(
        'absent', lambda f: (f / shard).unlink(), shard, 'the file does not exist'
    )
    for content in ('{}', '[]', '{"weight_map": {}}', '{"weight_map": [1]}', 'x'):
        trial.expect(content, lambda f, c=content: replace(f / index, c), index, '')
    trial.end()


def test_hostile_tokenizers_and_towers_are_refused(tmp_path, copy_of):
    pytest.importorskip('transformers')
    trial = Trial(share_family('roberta', tmp_path), copy_of)

    def adds(file, **values):
        def change_copy(folder):
            content = json.loads((folder / file).read_text())
            replace(folder / file, json.dumps({**content, **values}))

        return change_copy

    options, tower = 'tokenizer/tokenizer_config.json', 'text_model/config.json'
    code = dict(AutoTokenizer=['evil.Evil', None], AutoConfig='org/repo--evil.Evil')
    for file, key, value, pattern in (
        (options, 'auto_map', code, 'is not allowed'),
        (options, 'tokenizer_file', '/etc/passwd', 'is not allowed'),
        (options, 'tokenizer_class', 'os.system', 'is no name of a class'),
        (tower, 'auto_map', code, 'is not allowed'),
        (tower, 'model_type', 'evil', 'none of those that open_clip knows'),
        (tower, '_attn_implementation', 'eager', 'is not allowed'),
        (tower, 'attn_implementation', 'org/kernel', 'is not allowed'),
        (tower, 'num_hidden_layers', 10**6, 'is not allowed'),
        (tower, 'output_attentions', True, 'is not allowed'),
        (tower, 'hidden_act', 'org/kernel', 'is not allowed'),
        (options, 'extra_ids', 10**9, 'is no number up to 1000'),
        (tower, 'quantization_config', {'quant_method': 'evil'}, 'is not allowed'),
    ):
        trial.expect(f'{file} {key}', adds(file, **{key: value}), file, pattern)
    for file in ('tokenizer/evil.py', 'tokenizer/config.json', 'text_model/evil.py'):
        trial.expect(file, lambda f, x=file: replace(f / x, '{}'), file, 'has no place')
    for file in ('tokenizer/tokenizer.json', options, tower):
        trial.expect(file, lambda f, x=file: replace(f / x, 'x'), file, 'not JSON')
        trial.expect(file, lambda f, x=file: (f / x).unlink(), file, 'not exist')
    table, more = 'tokenizer/tokenizer.json', dict(id=500, content='video about')
    for key in ('single_word', 'lstrip', 'rstrip', 'normalized', 'special'):
        more[key] = False
    trial.expect('table', adds(table, model={'type': 'evil'}), table, 'no tokenizer')
    trial.expect(
        'more', adds(table, added_tokens=[more]), table, 'its token .* is none'
    )
    trial.shared, slow = share_family('siglip2', tmp_path), 'RagTokenizer'
    trial.expect('slow', adds(options, tokenizer_class=slow), table, 'no tokenizer')
    trial.end()


def share_family(name, tmp_path):
    """The folder of a tiny shared model with a tokenizer of this family."""
    (tmp_path / f'{name}_files').mkdir()
    arch = make_family(name, tmp_path / f'{name}_files')
    config = tiny_config(arch, neck=None)
    head = dict(in_channels=arch['embed_dim'], saliency_source='class')
    config.model.cls_head.update(head)
    build(config, tmp_path).save_pretrained(tmp_path / name)
    return tmp_path / name


def test_a_program_beside_the_config_is_never_run(shared, copy_of, frames):
    folder = copy_of(shared)
    evil = f'open({os.fspath(folder / "ran")!r}, "w")\n'
    for name in ('config.py', 'model/config.py', 'setup.py', 'evil.py', '__init__.py'):
        replace(folder / name, evil)
    for name in ('model.pth', 'model/model.pth'):
        replace(folder / name, pickle.dumps(print))
    bike = BIKEInferencer(str(folder), device='cpu', workers=0)
    assert bike(frames)[0].label
    for name in (folder, folder / 'bike_config.json'):
        with pytest.raises(FileNotFoundError, match='is a shared model'):
            find_config(str(name))  # for MMEngine, which would run what it names
    assert not (folder / 'ran').exists()
