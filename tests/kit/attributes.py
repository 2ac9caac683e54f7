"""What the attribute generator and other jobs on many videos are run on."""

from tests.kit.configs import load_config
from tests.kit.models import tiny_arch, write_clip

LEXICON = [f'{a} {b}' for a in ('red', 'green', 'old') for b in ('cat', 'car')]


def write_config(folder, names):
    """The demo's config with a CLIP of random weights, and a lexicon.

    Args:
        folder (Path): Where config.py, list.txt, lexicon.txt and clip.pt are
            written, beside a folder ``videos``.
        names (list[str]): Of the videos in it.
    """
    (folder / 'lexicon.txt').write_text('\n'.join(LEXICON) + '\n')
    (folder / 'list.txt').write_text(''.join(f'{name} 0\n' for name in names))
    cfg = load_config('bike_demo')
    arch = tiny_arch(image_size=64)
    clip = write_clip(folder / 'clip.pt', arch)
    cfg.model.backbone.update(arch=arch, pretrained=clip)
    head = cfg.model.cls_head
    head.update(class_names=['a dog', 'a cat'], num_classes=2)
    head.update(in_channels=arch['embed_dim'])
    head.text_encoder.update(arch=arch, pretrained=clip)
    cfg.test_dataloader.batch_size = 2
    for split in ('train', 'test'):
        cfg[f'{split}_dataloader'].dataset.update(
            ann_file=str(folder / 'list.txt'),
            data_prefix=dict(video=str(folder / 'videos')),
        )
    cfg.work_dir = str(folder / 'work_dir')
    cfg.dump(str(folder / 'config.py'))
    return cfg
