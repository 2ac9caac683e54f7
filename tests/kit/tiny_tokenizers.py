"""Tiny tokenizers of the kinds that Hugging Face's text towers have.

Each has the special tokens, with the ids, and the treatment of spaces of the
real one. Vocabularies are learned from a few sentences. Each function writes
its files into a folder and returns the size of the vocabulary.
"""

import json
import os.path as osp
from typing import Any, Optional

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

SENTENCES = [
    'This is a video about playing the violin.',
    'a photo of a dog that is walking in the rain',
    'somebody who is making a cake, reading and singing',
    'a person is doing yoga on the beach at night',
    "the man's hat isn't red: 1234567890 (5-4=1) & more!",
    'ein Café für Ärzte und ärzte, el niño, ça va',
    '一个人在弹小提琴 打太极拳',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz',
]
LANGUAGES = ['eng_Latn', 'deu_Latn', 'zho_Hans']
_ROBERTA = dict(bos='<s>', cls='<s>', sep='</s>', mask='<mask>')


def save_t5(folder: str, pad: str = '<pad>') -> int:
    """Of mT5 and, with '</s>' as padding, of SigLIP."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = _sentencepiece()
    tokenizer.decoder = decoders.Metaspace()
    special = ['<pad>', '</s>', '<unk>']
    _train(tokenizer, trainers.UnigramTrainer, special, 200, unk_token='<unk>')
    tokenizer.post_processor = _around('$A </s>', tokenizer)
    return _save(tokenizer, folder, 'T5Tokenizer', pad=pad, extra_ids=0)


def save_gemma(folder: str) -> int:
    """Of SigLIP 2: spaces are letters, and none is put before the text.

    Letters that it does not have are of several tokens, one for each byte.
    """
    special = ['<pad>', '<eos>', '<bos>', '<unk>', '<mask>']
    kind = models.BPE(unk_token='<unk>', fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(kind)
    tokenizer.normalizer = normalizers.Replace(' ', '▁')
    # To learn words with the space before them.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex('▁?[^▁]+'), 'isolated')
    bytes_of_letters = [f'<0x{byte:02X}>' for byte in range(256)]
    _train(tokenizer, trainers.BpeTrainer, [*special, *bytes_of_letters], 500)
    content = json.loads(tokenizer.to_str())
    content['added_tokens'] = content['added_tokens'][: len(special)]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(' ', 'merged_with_previous')
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace('▁', ' '), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.post_processor = _around('$A <eos>', tokenizer)
    return _save(
        tokenizer,
        folder,
        'GemmaTokenizer',
        bos='<bos>',
        eos='<eos>',
        add_bos_token=False,
        add_eos_token=True,
    )


def save_bert(folder: str) -> int:
    """Of CLIPA: small letters without accents."""
    special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
    tokenizer = Tokenizer(models.WordPiece(unk_token='[UNK]'))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    _train(tokenizer, trainers.WordPieceTrainer, special, 250)
    tokenizer.post_processor = _around('[CLS] $A [SEP]', tokenizer)
    return _save(
        tokenizer,
        folder,
        'BertTokenizer',
        pad='[PAD]',
        unk='[UNK]',
        eos=None,
        cls='[CLS]',
        sep='[SEP]',
        mask='[MASK]',
    )


def save_xlm_roberta(folder: str) -> int:
    """Of XLM-RoBERTa and, as XLM-V, of MetaCLIP 2."""
    special = ['<s>', '<pad>', '</s>', '<unk>']
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = _sentencepiece()
    tokenizer.decoder = decoders.Metaspace()
    _train(tokenizer, trainers.UnigramTrainer, special, 200, unk_token='<unk>')
    tokenizer.add_special_tokens([AddedToken('<mask>', lstrip=True, special=True)])
    tokenizer.post_processor = _around('<s> $A </s>', tokenizer)
    return _save(tokenizer, folder, 'XLMRobertaTokenizer', **_ROBERTA)


def save_roberta(folder: str) -> int:
    """Pieces of bytes, so that a letter can be of several tokens."""
    special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(tokenizer, trainers.BpeTrainer, special, 500, initial_alphabet=alphabet)
    tokenizer.post_processor = processors.RobertaProcessing(
        ('</s>', 2), ('<s>', 0), trim_offsets=True, add_prefix_space=False
    )
    return _save(tokenizer, folder, 'RobertaTokenizer', **_ROBERTA)


def save_nllb(folder: str) -> int:
    """The name of a language comes first."""
    special = ['<s>', '<pad>', '</s>', '<unk>']
    tokenizer = Tokenizer(models.BPE(unk_token='<unk>', fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    _train(tokenizer, trainers.BpeTrainer, special, 300)
    tokenizer.add_special_tokens([*LANGUAGES, '<mask>'])
    tokenizer.post_processor = _around('eng_Latn $A </s>', tokenizer)
    return _save(
        tokenizer,
        folder,
        'NllbTokenizer',
        **_ROBERTA,
        src_lang='eng_Latn',
        additional_special_tokens=LANGUAGES,
    )


def _sentencepiece() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )


def _around(template: str, tokenizer: Tokenizer) -> processors.TemplateProcessing:
    """What is put around a text."""
    names = [name for name in template.split() if name != '$A']
    ids = [(name, tokenizer.token_to_id(name)) for name in names]
    return processors.TemplateProcessing(single=template, special_tokens=ids)


def _train(
    tokenizer: Tokenizer, trainer: Any, special: list[str], size: int, **more: Any
) -> None:
    made = trainer(vocab_size=size, special_tokens=special, show_progress=False, **more)
    tokenizer.train_from_iterator(SENTENCES, made)


def _save(
    tokenizer: Tokenizer,
    folder: str,
    kind: str,
    pad: str = '<pad>',
    eos: Optional[str] = '</s>',
    unk: str = '<unk>',
    **more: Any,
) -> int:
    tokenizer.save(osp.join(folder, 'tokenizer.json'))
    names = ('bos', 'cls', 'sep', 'mask')
    special = {f'{name}_token': more.pop(name, None) for name in names}
    special.update(pad_token=pad, eos_token=eos, unk_token=unk)
    config = dict(
        {name: token for name, token in special.items() if token is not None},
        tokenizer_class=kind,
        padding_side='right',
        **more,
    )
    path = osp.join(folder, 'tokenizer_config.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(config, file)
    return tokenizer.get_vocab_size()
