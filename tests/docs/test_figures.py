"""Numbers in the pages that follow from configs: epochs, and the total batch."""

import re

from mmengine.config import Config

from bike_mmaction.shipped import find_config
from tests.kit.pages import PAGES, blocks, commands, read

TOTAL_BATCH = 256  # what the learning rate of the configs is for


def test_checkpoints_are_those_of_the_last_epoch():
    named = {
        pair
        for page in PAGES
        for pair in re.findall(r'work_dirs/([\w{},]+)/epoch_(\d+)', read(page))
        if pair[0].startswith('bike_')
    }
    wrong = []
    for run, epoch in sorted(named):
        name = re.sub(r'{(\d).*}', r'\1', run)
        last = Config.fromfile(find_config(name)).train_cfg.max_epochs
        wrong += [f'{run}: {epoch}, not {last}'] * (last != int(epoch))
    assert named and not wrong


def test_trainings_of_several_gpus_have_the_total_batch():
    """But for those of the model zoo, whose configs say it in its index."""
    lines = {
        ' '.join(words)
        for page in PAGES
        if page != 'docs/model_zoo.md'
        for block in blocks(page, 'bash')
        for words in commands(block)
        if any(word.endswith(('/dist_train.sh', '/slurm_train.sh')) for word in words)
    }
    totals = {line: total_batch(line) for line in lines}
    assert totals
    assert not {line: n for line, n in totals.items() if n != TOTAL_BATCH}


def total_batch(line):
    """Videos of a step, over all machines and GPUs."""
    if 'slurm' in line:
        gpus = int(re.search(r'\bGPUS=(\d+)', line)[1])
        (name,) = re.findall(r'_train\.sh \S+ \S+ (\S+)', line)
    else:
        (name, gpus), *_ = re.findall(r'_train\.sh (\S+) (\d+)', line)
        gpus = int(gpus) * int((re.search(r'\bNNODES=(\d+)', line) or [0, 1])[1])
    batch = re.search(r'train_dataloader\.batch_size=(\d+)', line)
    if batch:
        return gpus * int(batch[1])
    return gpus * Config.fromfile(find_config(name)).train_dataloader.batch_size
