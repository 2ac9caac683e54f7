"""Write the table of docs/encoder_table.md: every image-text model of open_clip.

Usage: python tools/encoder_table.py [--check]

Each model is built and run on torch's meta device: shapes and operations are
real, nothing is computed, and no weights are downloaded. It takes about a
minute. What lies between the two marks of the page is written anew.
"""

import argparse
import json
import os
import os.path as osp
import re
import sys
import tempfile
import warnings
from collections.abc import Sequence
from typing import NamedTuple, Optional

import open_clip
import torch
import torch.nn as nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from tqdm import tqdm

from bike_mmaction.benchmarks.counting import count_operations
from bike_mmaction.models import CLIPImageEncoder, CLIPTextEncoder
from bike_mmaction.models.clip.architectures import CONTEXT, get_arch

ROOT = osp.abspath(osp.join(osp.dirname(__file__), '..'))
PAGE = osp.join(ROOT, 'docs', 'encoder_table.md')
BLOCK = re.compile(r'(<!-- encoders -->\n).*?(<!-- end -->)', re.S)
TRANSFORMERS = 'transformers'
# Sizes of the language models that some text towers are, from the config.json
# that each has at huggingface.co: open_clip reads them there.
MT5 = dict(model_type='mt5', vocab_size=250112, d_kv=64, feed_forward_proj='gated-gelu')
NLLB = dict(model_type='m2m_100', vocab_size=256206, d_model=1024, pad_token_id=1)
ROBERTA = dict(max_position_embeddings=514, type_vocab_size=1, pad_token_id=1)
XLM = dict(ROBERTA, model_type='xlm-roberta', vocab_size=250002)
LANGUAGE_MODELS = {
    'roberta-base': dict(ROBERTA, model_type='roberta', vocab_size=50265),
    'xlm-roberta-base': XLM,
    'xlm-roberta-large': dict(
        XLM,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
    ),
    'google/mt5-base': dict(MT5, d_model=768, d_ff=2048, num_layers=12, num_heads=12),
    'google/mt5-xl': dict(MT5, d_model=2048, d_ff=5120, num_layers=24, num_heads=32),
    'facebook/nllb-200-distilled-600M': dict(
        NLLB, encoder_layers=12, encoder_ffn_dim=4096, encoder_attention_heads=16
    ),
    'facebook/nllb-200-distilled-1.3B': dict(
        NLLB, encoder_layers=24, encoder_ffn_dim=8192, encoder_attention_heads=16
    ),
}


class Encoder(NamedTuple):
    """What the table tells of a model.

    Attributes:
        arch (str): Its name in open_clip.
        size (str): Pixels of an image, or height x width.
        width (int): D, of its embeddings.
        images (int): Parameters of the image tower.
        operations (int): Of one frame, see :func:`.count_operations`.
        text (str): What its text tower reads.
        texts (int, optional): Parameters of the text tower; None if it
            cannot be built.
        runs (dict[str, bool]): Of 'image', 'sentence' and 'words', whether
            it gives the embeddings.
        needs (str): The package without which it does not run.
    """

    arch: str
    size: str
    width: int
    images: int
    operations: int
    text: str
    texts: Optional[int]
    runs: dict[str, bool]
    needs: str


def without_download(arch: str, folder: str) -> dict:
    """The config of an architecture whose language model, if it has one, is
    described by a file in ``folder``."""
    config = get_arch(arch)
    name = config['text_cfg'].get('hf_model_name')
    if name:
        path = osp.join(folder, name.replace('/', '--'))
        if not osp.isdir(path):
            os.makedirs(path)
            with open(osp.join(path, 'config.json'), 'w', encoding='utf-8') as file:
                json.dump(LANGUAGE_MODELS[name], file)
        config['text_cfg']['hf_model_name'] = path
    return config


def examine(arch: str, folder: str) -> Encoder:
    """Build both towers of an architecture, and run what can be run."""
    config = without_download(arch, folder)
    text_cfg, width = config['text_cfg'], config['embed_dim']
    with torch.device('meta'):
        image = CLIPImageEncoder(config, frozen=True)
        height, breadth = image._image_size()
        frame = torch.empty(1, 3, height, breadth)
        runs = dict(image=image(frame).shape == (1, width))
        operations = count_operations(lambda: image(frame))
        text = _text_encoder(config)
        runs.update(sentence=False, words=False)
        if text is not None:
            length = text_cfg.get('context_length', CONTEXT)
            tokens = torch.zeros(2, length, dtype=torch.long)
            # transformers looks into a mask, unless it is known for a fake one
            with FakeTensorMode(
                allow_non_fake_inputs=True, shape_env=ShapeEnv()
            ) as fake:
                tokens = fake.from_tensor(tokens, static_shapes=True)
                runs['sentence'] = _shape(text.text, tokens) == (2, width)
                runs['words'] = _has_words(text, tokens)
    tokenizer = text_cfg.get('hf_tokenizer_name')
    return Encoder(
        arch=arch,
        size=str(height) if height == breadth else f'{height}x{breadth}',
        width=width,
        images=_parameters(image),
        operations=operations,
        text=f'{text_cfg.get("context_length", CONTEXT)} tokens of '
        f'{tokenizer.split("/")[-1] if tokenizer else "CLIP"}',
        texts=None if text is None else _parameters(text),
        runs=runs,
        needs=TRANSFORMERS if tokenizer else '',
    )


def _text_encoder(config: dict) -> Optional[CLIPTextEncoder]:
    try:
        return CLIPTextEncoder(config)
    except ValueError:  # a text tower that open_clip cannot build
        return None


def _shape(tower: nn.Module, tokens: torch.Tensor) -> tuple[int, ...]:
    out = tower(tokens)
    return tuple((out[0] if isinstance(out, tuple) else out).shape)


def _has_words(text: CLIPTextEncoder, tokens: torch.Tensor) -> bool:
    try:
        words = text._embed_tokens(tokens, with_words=True).words
    except ValueError:
        return False
    return words is not None and words.shape[::2] == (2, text.embed_dims)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def examine_all(names: Optional[Sequence[str]] = None) -> list[Encoder]:
    """All architectures of open_clip, or some of them."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of open_clip, about its own towers
        return [
            examine(arch, folder)
            for arch in tqdm(names or open_clip.list_models(), disable=None)
        ]


HEADER = (
    '| architecture | images | D | image tower | a frame | text tower | its texts | '
    'image | sentence | words | needs |\n'
    + '| --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- | --- | --- |\n'
)


def render(encoders: Sequence[Encoder]) -> str:
    """The table, with a line before it that counts."""
    counts = [
        f'{sum(encoder.runs[what] for encoder in encoders)} give {name}'
        for what, name in (
            ('image', 'frame embeddings'),
            ('sentence', 'class embeddings'),
            ('words', 'word embeddings'),
        )
    ]
    needing = sum(encoder.needs != '' for encoder in encoders)
    summary = (
        f'open_clip {open_clip.__version__} has {len(encoders)} architectures: '
        f'{", ".join(counts)}; {needing} need the package {TRANSFORMERS} for their '
        'tokenizer.\n\n'
    )
    return summary + HEADER + ''.join(map(row, encoders))


def row(encoder: Encoder) -> str:
    """A line of the table."""
    texts = '' if encoder.texts is None else f'{encoder.texts / 1e6:,.0f} M'
    marks = ['yes' if encoder.runs[what] else 'no' for what in encoder.runs]
    cells = [
        f'`{encoder.arch}`',
        encoder.size,
        encoder.width,
        f'{encoder.images / 1e6:,.0f} M',
        f'{encoder.operations / 1e9:,.0f} GFLOPs',
        texts,
        encoder.text,
        *marks,
        encoder.needs,
    ]
    return '| ' + ' | '.join(map(str, cells)) + ' |\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--check', action='store_true', help='write nothing, only compare'
    )
    args = parser.parse_args()
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    table = render(examine_all())
    rendered = BLOCK.sub(lambda match: match[1] + table + match[2], page)
    if args.check and rendered != page:
        sys.exit(
            f"encoder_table: '{PAGE}' differs from open_clip {open_clip.__version__}: "
            'run python tools/encoder_table.py'
        )
    if not args.check:
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(rendered)


if __name__ == '__main__':
    main()
