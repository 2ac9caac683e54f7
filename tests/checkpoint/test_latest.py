"""Which checkpoint a training goes on from, whatever has been left."""

import os
import re
import shutil

import pytest
import torch

from bike_mmaction.checkpoint import has_checkpoints, newest_checkpoint
from bike_mmaction.checkpoint.latest import problem_of
from tests.kit.checks import collected


@pytest.fixture
def run(tmp_path):
    """Folders of runs: two epochs, and the file that names the second."""

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        for epoch in (1, 2):
            write(folder / f'epoch_{epoch}.pth', epoch)
        write(folder / 'best_acc_top1_epoch_2.pth', 2)
        name_second(folder)
        return folder

    return make


def write(path, epoch, **content):
    content = content or dict(message_hub={}, meta=dict(epoch=epoch, iter=4 * epoch))
    torch.save(dict(content, state_dict=dict(a=torch.ones(999))), path)
    be_newest(path)


def be_newest(path):
    """Files of a test may be written within one tick of the clock."""
    time = max(x.stat().st_mtime for x in path.parent.iterdir()) + 1
    os.utime(path, (time, time))


def name_second(folder):
    (folder / 'last_checkpoint').write_text(f'{folder}/epoch_2.pth')
    be_newest(folder / 'last_checkpoint')


def change(path, content):
    """As what happens on a disk: the time stays."""
    time = path.stat().st_mtime
    path.write_bytes(content)
    os.utime(path, (time, time))


def cut(path):
    change(path, path.read_bytes()[:-100])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    place = content.index(torch.ones(9).numpy().tobytes())
    content[place + 400] ^= 1
    change(path, content)


def write_third(folder, **content):
    """A kill has left ``last_checkpoint`` as it was."""
    write(folder / 'epoch_3.pth', 3, **content)


def begin_anew(folder):
    """From the first epoch on; the third one is of the training before."""
    write_third(folder)
    write(folder / 'epoch_2.pth', 2)
    name_second(folder)


def write_copies(folder):
    """In an order that has nothing to do with that of the epochs."""
    write(folder / 'epoch_2.pth', 2)
    write(folder / 'epoch_1.pth', 1)


CASES = {
    'nothing wrong': (lambda folder: None, 2, ''),
    'empty name': (lambda f: (f / 'last_checkpoint').write_text(''), 2, 'is empty'),
    'zeros': (lambda f: (f / 'last_checkpoint').write_text('\0' * 30), 2, 'is empty'),
    'no name': (lambda f: (f / 'last_checkpoint').unlink(), 2, ''),
    'gone': (lambda f: (f / 'epoch_2.pth').unlink(), 1, 'epoch_2.pth.*does not exist'),
    'torn name': (
        lambda f: (f / 'last_checkpoint').write_text(f'{f}/epo'),
        2,
        "names '.*epo', which does not exist",
    ),
    'cut': (lambda f: cut(f / 'epoch_2.pth'), 1, "'epoch_2.pth' cannot be read: "),
    'no bytes': (lambda f: change(f / 'epoch_2.pth', b''), 1, 'is empty'),
    'no file': (lambda f: change(f / 'epoch_2.pth', b'x'), 1, 'cannot be read'),
    'bit': (lambda f: flip_a_bit(f / 'epoch_2.pth'), 1, 'checksum of .* is wrong'),
    'weights': (lambda f: write(f / 'epoch_2.pth', 2, x=1), 1, 'but no training'),
    'newer': (write_third, 3, ''),
    'newer, cut': (
        lambda f: (write_third(f), cut(f / 'epoch_3.pth')),
        2,
        "'epoch_3.pth' cannot be read",
    ),
    'newer, weights': (lambda f: write_third(f, x=1), 2, "'epoch_3.pth' has weights"),
    'anew': (begin_anew, 2, ''),
    'copies': (write_copies, 2, ''),
}


def test_the_newest_that_can_be_read(run, capsys):
    with collected() as case:
        for name, (damage, epoch, words) in CASES.items():
            with case(name):
                folder = run(name)
                damage(folder)
                assert has_checkpoints(folder)
                chosen = newest_checkpoint(str(folder))
                assert chosen == f'{folder}/epoch_{epoch}.pth'
                told = capsys.readouterr().out
                if words:
                    assert len(told.splitlines()) == 1
                    assert re.search(words, told) and chosen in told
                else:
                    assert not told


def test_nothing_that_can_be_read(run):
    """Then nothing begins that would overwrite it."""
    folder = run('all')
    cut(folder / 'epoch_1.pth')
    (folder / 'epoch_2.pth').unlink()
    words = (
        "last_checkpoint' names .*epoch_2.pth', which.*; 'epoch_1.pth' cannot be"
        '.*--resume CHECKPOINT.*--work-dir'
    )
    with pytest.raises(RuntimeError, match=words) as error:
        newest_checkpoint(str(folder))
    assert '\n' not in str(error.value)
    (folder / 'epoch_1.pth').unlink()
    with pytest.raises(RuntimeError, match='nothing in .* can be resumed'):
        newest_checkpoint(str(folder))


def test_many_that_cannot_be_read(run):
    folder = run('many')
    for epoch in range(1, 31):
        (folder / f'epoch_{epoch}.pth').write_text('')
    with pytest.raises(RuntimeError, match='is empty; and 26 more. Name ') as error:
        newest_checkpoint(str(folder))
    assert str(error.value).count('.pth') == 4


def test_nothing_at_all(tmp_path):
    """The first start may have `--resume`, too; weights beside it are no run."""
    write(tmp_path / 'clip.pth', 1, x=1)
    assert not has_checkpoints(tmp_path)
    assert newest_checkpoint(str(tmp_path)) is None


def test_a_run_that_was_moved(run, tmp_path, capsys):
    folder = run('old')
    shutil.move(folder, tmp_path / 'new')
    assert newest_checkpoint(f'{tmp_path}/new') == f'{tmp_path}/new/epoch_2.pth'
    assert not capsys.readouterr().out


def test_a_file_of_the_older_format(tmp_path):
    content = dict(message_hub={}, meta=dict(epoch=1, iter=4))
    path = f'{tmp_path}/epoch_1.pth'
    torch.save(content, path, _use_new_zipfile_serialization=False)
    assert not problem_of(path)
    cut(tmp_path / 'epoch_1.pth')
    assert 'cannot be read' in problem_of(path)
