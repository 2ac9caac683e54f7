"""What the config of a shared model may say: a list of all that is allowed.

MMEngine imports whatever a ``type`` with dots names, and many options of its
components read files or download. So nothing that a stranger wrote is built
before all of it has been found in the tables here: types by the place where
they stand, the options of each type, and the kind of each value. Texts are
allowed where people read them: names of classes, prompts and phrases.
"""

import re
from collections.abc import Sequence
from typing import Any

from ...terminal import printable
from ...text_files import shorten
from .content import TOKENIZER, TOWER

Types = Sequence[str]
_RECOGNIZERS = ('CLIPRecognizer', 'Recognizer2D', 'Recognizer3D')
_BACKBONES = (
    'CLIPImageEncoder',
    'PerFrameBackbone',
    'ResNet',
    'ResNet3dSlowOnly',
    'ResNetTSM',
    'SwinTransformer3D',
    'TimeSformer',
    'UniFormerV2',
    'VisionTransformer',
)
# Which types may stand where.
PLACES: dict[str, Types] = dict(
    model=_RECOGNIZERS,
    backbone=_BACKBONES,
    neck=('TemporalTransformer',),
    cls_head=('VCSHead',),
    attributes_head=('AttributesTextHead',),
    text_encoder=('CLIPTextEncoder',),
    attributes_encoder=('CLIPTextEncoder',),
    loss_cls=('ContrastiveLoss', 'SigmoidLoss'),
    data_preprocessor=('ActionDataPreprocessor', 'OptionalVideoDataPreprocessor'),
    norm_cfg=('LN', 'BN', 'BN2d', 'BN3d', 'SyncBN'),
)
# Texts that people read; lists of them, too.
TEXTS = ('class_names', 'lexicon', 'prompt', 'attributes_prompt', 'separator')
_PREPROCESSOR = 'mean std to_rgb to_float32 format_shape'
_TEXT_HEAD = (
    'num_classes in_channels class_names text_encoder prompt words loss_cls '
    'average_clips'
)
_RESNET = 'depth norm_eval out_indices num_stages base_channels norm_cfg'
# The options of each type; of those that are dictionaries, see PLACES.
OPTIONS: dict[str, str] = dict(
    CLIPRecognizer='backbone neck cls_head attributes_head fusion_weight association '
    'data_preprocessor test_cfg',
    Recognizer2D='backbone neck cls_head data_preprocessor test_cfg',
    Recognizer3D='backbone neck cls_head data_preprocessor test_cfg',
    CLIPImageEncoder='arch frozen as_feature_map lora token_merging dtype',
    CLIPTextEncoder='arch frozen lora',
    PerFrameBackbone='backbone',
    TemporalTransformer='embed_dims num_heads num_layers max_frames',
    VCSHead=f'{_TEXT_HEAD} aggregation temperature saliency_source num_segments '
    'recognition_source renormalize',
    AttributesTextHead=f'{_TEXT_HEAD} attributes_encoder mlp attributes_prompt '
    'separator',
    ContrastiveLoss='target loss_weight',
    SigmoidLoss='loss_weight',
    ActionDataPreprocessor=_PREPROCESSOR,
    OptionalVideoDataPreprocessor=_PREPROCESSOR,
    ResNet=_RESNET,
    ResNetTSM=f'{_RESNET} num_segments shift_div shift_place',
    ResNet3dSlowOnly=f'{_RESNET} lateral conv1_kernel conv1_stride_t pool1_stride_t '
    'inflate spatial_strides temporal_strides with_pool2',
    SwinTransformer3D='arch patch_size window_size mlp_ratio qkv_bias drop_path_rate '
    'patch_norm',
    TimeSformer='num_frames img_size patch_size embed_dims in_channels dropout_ratio '
    'attention_type num_heads num_transformer_layers norm_cfg',
    UniFormerV2='input_resolution patch_size width layers heads t_size dw_reduction '
    'temporal_downsample no_lmhra double_lmhra return_list n_layers n_dim n_head '
    'mlp_factor mlp_dropout clip_pretrained',
    VisionTransformer='img_size patch_size embed_dims depth num_heads mlp_ratio '
    'qkv_bias num_frames norm_cfg tubelet_size use_mean_pooling',
    LN='eps',
    BN='eps requires_grad',
    BN2d='eps requires_grad',
    BN3d='eps requires_grad',
    SyncBN='eps requires_grad',
)
_CROP = 'crop_size'
_SAMPLING = 'clip_len num_clips test_mode'
TRANSFORMS: dict[str, str] = dict(
    VideoInit='backend num_threads',
    VideoDecode='',
    SampleFrames=f'{_SAMPLING} frame_interval twice_sample out_of_bound_opt',
    SparseSampleFrames=_SAMPLING,
    DenseClipSampleFrames=f'{_SAMPLING} sample_range',
    UniformSample=_SAMPLING,
    Resize='scale keep_ratio interpolation',
    AntialiasedResize='scale keep_ratio interpolation',
    CenterCrop=_CROP,
    RoundedCenterCrop=_CROP,
    ThreeCrop=_CROP,
    TenCrop=_CROP,
    SpacedThreeCrop=_CROP,
    SpacedFiveCrop=_CROP,
    SpacedTenCrop=_CROP,
    FormatShape='input_format',
    PackActionInputs='meta_keys algorithm_keys',
)
ASSOCIATION = 'lexicon topk prompt arch'
ARCH = (
    'embed_dim vision_cfg text_cfg multimodal_cfg custom_text quick_gelu '
    'init_logit_scale init_logit_bias nonscalar_logit_scale'
)
TOKENIZER_KWARGS = 'clean strip_sep_token language'
# Numbers that say how often something is built: more would take for ever.
_REPEATED = re.compile(r'(num_|n_)?(transformer_)?(layers|depth|stages)')
MOST_REPEATED, MOST_NUMBER = 1000, 10**9
MOST_TEXTS, MOST_CHARACTERS = 100_000, 2000
_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_+-]{0,99}')
_NAME_OF_ARCH = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}')


class Refusal(ValueError):
    """A value that is not allowed; names its place in the config."""


def check_model(model: Any) -> None:
    """Refuse the config of a model that has anything but what is allowed.

    Raises:
        Refusal: naming the first such thing.
    """
    _check_part(model, 'model', 'model')


def check_pipeline(pipeline: Any) -> None:
    """As :func:`check_model`, the transforms of a test."""
    where = 'test_pipeline'
    if not isinstance(pipeline, list) or not 0 < len(pipeline) <= 50:
        raise Refusal(
            f'{where}: expected a list of transforms, got {shorten(pipeline)}'
        )
    for number, step in enumerate(pipeline):
        place = f'{where}[{number}]'
        kind = _type_of(step, place, tuple(TRANSFORMS))
        _check_keys(step, f'type {TRANSFORMS[kind]}', place)
        for key, value in step.items():
            _check_plain(value, f'{place}.{key}', key)


def check_threshold(value: Any) -> None:
    """As :func:`check_model`, a share, or None."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 <= value <= 1):
        raise Refusal(f'threshold: expected a number from 0 to 1, got {shorten(value)}')


def _check_part(part: Any, place: str, where: str) -> None:
    """A dictionary with a ``type``; a part may be left out by None."""
    if part is None and place != 'model':
        return
    kind = _type_of(part, where, PLACES[place])
    _check_keys(part, f'type {OPTIONS[kind]}', where)
    for key, value in part.items():
        inner = f'{where}.{key}'
        if key == 'arch' and kind.startswith('CLIP'):
            _check_arch(value, inner)
        elif key == 'association':
            _check_association(value, inner)
        elif key in TEXTS:
            _check_texts(value, key, inner)
        elif key in PLACES:
            _check_part(value, key, inner)
        else:
            _check_plain(value, inner, key)


def _type_of(part: Any, where: str, allowed: Types) -> str:
    if not isinstance(part, dict):
        raise Refusal(f'{where}: expected an object with a type, got {shorten(part)}')
    kind = part.get('type')
    if not isinstance(kind, str) or kind not in allowed:
        raise Refusal(
            f'{where}.type={shorten(kind)} is not allowed in a shared model; allowed '
            f'are {", ".join(allowed)}'
        )
    return kind


def _check_keys(part: dict, allowed: str, where: str) -> None:
    surplus = [key for key in part if key not in allowed.split()]
    if surplus:
        raise Refusal(
            f'{where}: the option {shorten(surplus[0])} is not allowed in a shared '
            f'model; allowed are {", ".join(allowed.split())}'
        )


def _check_association(options: Any, where: str) -> None:
    if options is None:
        return
    if not isinstance(options, dict):
        raise Refusal(f'{where}: expected an object, got {shorten(options)}')
    _check_keys(options, ASSOCIATION, where)
    for key, value in options.items():
        inner = f'{where}.{key}'
        if key == 'arch':
            if value is not None:
                _check_arch(value, inner)
        elif key in TEXTS:
            _check_texts(value, key, inner)
        else:
            _check_plain(value, inner, key)


def _check_texts(value: Any, key: str, where: str) -> None:
    """Texts in full: never the name of a file or of a list."""
    is_list = key in ('class_names', 'lexicon')
    if isinstance(value, str) and not is_list:
        texts = [value]
    elif (
        isinstance(value, list) and 0 < len(value) <= MOST_TEXTS and key != 'separator'
    ):
        texts = value
    else:
        what = 'a list of texts' if is_list else 'a text'
        raise Refusal(f'{where}: expected {what}, got {shorten(value)}')
    for text in texts:
        if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
            raise Refusal(
                f'{where}: expected texts of at most {MOST_CHARACTERS} characters, '
                f'got {shorten(text)}'
            )
        if 'prompt' in key and text.count('{}') != 1:
            raise Refusal(f"{where}: {shorten(text)} must contain '{{}}' once")


def _check_arch(arch: Any, where: str) -> None:
    """An architecture in the layout of open_clip, which names nothing elsewhere."""
    if not isinstance(arch, dict):
        raise Refusal(f'{where}: expected an object, got {shorten(arch)}')
    _check_keys(arch, ARCH, where)
    for key, value in arch.items():
        _check_plain(value, f'{where}.{key}', key, _NAME_OF_ARCH)
    for part in ('vision_cfg', 'text_cfg'):
        if not isinstance(arch.get(part), dict):
            raise Refusal(f'{where}.{part}: expected an object')
    vision, text = arch['vision_cfg'], arch['text_cfg']
    name = vision.get('timm_model_name')
    if name is not None and not _is_timm(name):
        raise Refusal(
            f'{where}.vision_cfg.timm_model_name={shorten(name)} is no model of timm'
        )
    for key, folder in (('hf_model_name', TOWER), ('hf_tokenizer_name', TOKENIZER)):
        if text.get(key) not in (None, folder):
            raise Refusal(
                f'{where}.text_cfg.{key}={shorten(text[key])}: expected {folder!r}, '
                'the folder in the shared model'
            )
    options = text.get('tokenizer_kwargs')
    if options is not None:
        if not isinstance(options, dict):
            raise Refusal(f'{where}.text_cfg.tokenizer_kwargs: expected an object')
        _check_keys(options, TOKENIZER_KWARGS, f'{where}.text_cfg.tokenizer_kwargs')


def _is_timm(name: Any) -> bool:
    import timm

    return isinstance(name, str) and timm.is_model(name)


def _check_plain(value: Any, where: str, key: str, word: re.Pattern = _WORD) -> None:
    """Numbers, flags, words without dots and slashes, and lists of these."""
    if isinstance(value, list):
        if len(value) > 1000:
            raise Refusal(f'{where}: a list of {len(value)} values is too long')
        for item in value:
            _check_plain(item, where, key, word)
    elif isinstance(value, dict):
        if 'type' in value:
            raise Refusal(f"{where}: a 'type' is not allowed here in a shared model")
        for name, item in value.items():
            if not _WORD.fullmatch(name) or name.startswith('_'):
                raise Refusal(f'{where}: the option {shorten(name)} is no word')
            _check_plain(item, f'{where}.{name}', name, word)
    elif isinstance(value, str):
        if not word.fullmatch(value):
            raise Refusal(
                f'{where}={shorten(value)} is not allowed in a shared model: expected '
                'a word, no path, address or sentence'
            )
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        most = MOST_REPEATED if _REPEATED.fullmatch(key) else MOST_NUMBER
        if abs(value) > most:
            raise Refusal(f'{where}={shorten(value)} is more than {most}')
    elif value is not None and not isinstance(value, bool):
        raise Refusal(f'{where}: {printable(type(value).__name__)} is not allowed')
