"""A tiny random image-text model of every family that open_clip has.

Each has the layout of its family: pooling, masks, projection, and a tokenizer
of the same kind, see :mod:`tests.kit.tiny_tokenizers`. Nothing is downloaded.
"""

import copy
import json
import os.path as osp
from typing import Any, Callable

import open_clip
import torch

from bike_mmaction.models.clip.architectures import Arch, get_arch
from tests.kit import tiny_tokenizers
from tests.kit.models import TINY_ARCH

WIDTH = 64
LAYERS = dict(width=WIDTH, heads=2, layers=2)


def make_family(name: str, folder: Any) -> dict[str, Any]:
    """Write the tokenizer and config of a tiny model of a family.

    Args:
        name (str): One of :data:`FAMILIES`.
        folder (str): An existing folder for these files.

    Returns:
        dict: The architecture, in the layout of open_clip's model-config
        files. It names the folder where it needs one.
    """
    return FAMILIES[name](str(folder))


def build_whole(arch: Arch, seed: int = 0) -> Any:
    """open_clip's own random model of an architecture, in evaluation mode."""
    config = get_arch(arch)
    config.pop('custom_text', None)
    torch.manual_seed(seed)
    full = open_clip.CoCa if 'multimodal_cfg' in config else open_clip.CustomTextCLIP
    model: Any = full(**config)
    for weight in model.parameters():  # zeros and ones would hide faults
        weight.data.add_(0.02 * torch.randn_like(weight))
    return model.eval()


def write_whole(path: Any, arch: Arch, seed: int = 0) -> str:
    """Write the weights of :func:`build_whole`; return the path as text."""
    torch.save(build_whole(arch, seed).state_dict(), path)
    return str(path)


def _arch(text_cfg: dict[str, Any], **more: Any) -> dict[str, Any]:
    vision_cfg = dict(
        image_size=32, patch_size=16, width=WIDTH, layers=2, head_width=32
    )
    more.setdefault('custom_text', True)
    return dict(embed_dim=WIDTH, vision_cfg=vision_cfg, text_cfg=text_cfg, **more)


def _clip(folder: str) -> dict[str, Any]:
    return copy.deepcopy(TINY_ARCH)


def _mobileclip(folder: str) -> dict[str, Any]:
    return _arch(dict(LAYERS, no_causal_mask=True))


def _pe_core(folder: str) -> dict[str, Any]:
    return _arch(dict(LAYERS, context_length=32))


def _coca(folder: str) -> dict[str, Any]:
    text_cfg = dict(LAYERS, context_length=76, embed_cls=True, output_tokens=True)
    return _with_decoder(_arch(text_cfg), 49408)


def _with_decoder(arch: dict[str, Any], vocab_size: int) -> dict[str, Any]:
    arch['vision_cfg'].update(
        attentional_pool=True,
        attn_pooler_queries=4,
        attn_pooler_heads=2,
        output_tokens=True,
    )
    arch['multimodal_cfg'] = dict(
        LAYERS, context_length=76, vocab_size=vocab_size, attn_pooler_heads=2
    )
    return arch


def _siglip(folder: str) -> dict[str, Any]:
    # End of text and padding are the same token.
    return _siglip_arch(folder, tiny_tokenizers.save_t5(folder, pad='</s>'))


def _siglip_i18n(folder: str) -> dict[str, Any]:
    arch = _siglip(folder)
    del arch['text_cfg']['proj_bias']
    arch['text_cfg'].update(proj_type='none')
    return arch


def _siglip2(folder: str) -> dict[str, Any]:
    size = tiny_tokenizers.save_gemma(folder)
    return _siglip_arch(folder, size, act_kwargs=dict(approximate='tanh'))


def _siglip_arch(folder: str, vocab_size: int, **more: Any) -> dict[str, Any]:
    text_cfg = dict(
        LAYERS,
        context_length=64,
        vocab_size=vocab_size,
        hf_tokenizer_name=folder,
        tokenizer_kwargs=dict(clean='canonicalize'),
        no_causal_mask=True,
        proj_bias=True,
        pool_type='last',
        norm_kwargs=dict(eps=1e-6),
        **more,
    )
    return _arch(text_cfg, init_logit_bias=-10)


def _clipa(folder: str) -> dict[str, Any]:
    text_cfg = dict(
        LAYERS,
        context_length=32,
        vocab_size=tiny_tokenizers.save_bert(folder),
        hf_tokenizer_name=folder,
        tokenizer_kwargs=dict(strip_sep_token=True),
        pool_type='last',
        no_causal_mask=True,
    )
    return _arch(text_cfg)


def _metaclip2(folder: str) -> dict[str, Any]:
    return _worldwide(folder, tiny_tokenizers.save_xlm_roberta(folder), eos_id=2)


def _metaclip2_mt5(folder: str) -> dict[str, Any]:
    clean = dict(clean='canonicalize')
    size = tiny_tokenizers.save_t5(folder)
    return _worldwide(folder, size, eos_id=1, tokenizer_kwargs=clean)


def _worldwide(folder: str, vocab_size: int, **more: Any) -> dict[str, Any]:
    text_cfg = dict(
        LAYERS,
        context_length=77,
        vocab_size=vocab_size,
        hf_tokenizer_name=folder,
        pool_type='eos',
        **more,
    )
    return _arch(text_cfg)


def _roberta(folder: str) -> dict[str, Any]:
    size = tiny_tokenizers.save_roberta(folder)
    return _hugging_face(folder, 'roberta', **_roberta_config(size))


def _coca_roberta(folder: str) -> dict[str, Any]:
    arch = _roberta(folder)
    arch['text_cfg'].update(hf_proj_type='linear', output_tokens=True)
    return _with_decoder(arch, 500)


def _xlm_roberta(folder: str) -> dict[str, Any]:
    size = tiny_tokenizers.save_xlm_roberta(folder)
    return _hugging_face(folder, 'xlm-roberta', **_roberta_config(size))


def _roberta_config(vocab_size: int) -> dict[str, Any]:
    return dict(
        vocab_size=vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=96,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )


def _mt5(folder: str) -> dict[str, Any]:
    return _hugging_face(
        folder,
        'mt5',
        vocab_size=tiny_tokenizers.save_t5(folder),
        d_model=32,
        d_ff=64,
        d_kv=16,
        num_heads=2,
        num_layers=2,
        num_decoder_layers=1,
        is_encoder_decoder=True,
        pad_token_id=0,
        eos_token_id=1,
        feed_forward_proj='gated-gelu',
    )


def _nllb(folder: str) -> dict[str, Any]:
    arch = _hugging_face(
        folder,
        'm2m_100',
        vocab_size=tiny_tokenizers.save_nllb(folder),
        d_model=32,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=96,
        is_encoder_decoder=True,
        scale_embedding=True,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    arch['text_cfg'].update(hf_proj_type='linear', hf_pooler_type='cls_pooler')
    return arch


def _nllb_siglip(folder: str) -> dict[str, Any]:
    return dict(_nllb(folder), init_logit_bias=-10)


def _hugging_face(folder: str, model_type: str, **config: Any) -> dict[str, Any]:
    """A text tower of the package transformers, by a config in the folder."""
    path = osp.join(folder, 'config.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(dict(config, model_type=model_type), file)
    text_cfg = dict(
        hf_model_name=folder,
        hf_tokenizer_name=folder,
        hf_model_pretrained=False,
        hf_pooler_type='mean_pooler',
    )
    return _arch(text_cfg)


FAMILIES: dict[str, Callable[[str], dict[str, Any]]] = {
    'clip': _clip,
    'mobileclip': _mobileclip,
    'pe_core': _pe_core,
    'coca': _coca,
    'siglip': _siglip,
    'siglip_i18n': _siglip_i18n,
    'siglip2': _siglip2,
    'clipa': _clipa,
    'metaclip2': _metaclip2,
    'metaclip2_mt5': _metaclip2_mt5,
    'roberta': _roberta,
    'coca_roberta': _coca_roberta,
    'xlm_roberta': _xlm_roberta,
    'mt5': _mt5,
    'nllb': _nllb,
    'nllb_siglip': _nllb_siglip,
}
