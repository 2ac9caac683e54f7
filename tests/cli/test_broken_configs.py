"""A config that is no Python is told with its line, by whatever reads it."""

from tests.kit.tools import refusal

BROKEN = {
    'syntax.py': ('a = 1\nb = dict(\n', ' line 2: SyntaxError: '),
    'name.py': ('a = 1\n\nb = nothing\n', " line 3: NameError: name 'nothing' is not"),
    'below.py': ("_base_ = ['name.py']\n", "name.py' line 3: NameError: name 'noth"),
    'absent.py': ("_base_ = ['none.py']\n", 'FileNotFoundError: '),
}


def test_the_line_is_named(tmp_path):
    faults = []
    for name, (text, _) in BROKEN.items():
        (tmp_path / name).write_text(text)
    for name, (_, expected) in BROKEN.items():
        path = tmp_path / name
        for command in (
            ['mmaction_tool', 'analysis_tools/get_flops', path],
            ['test', path, 'pretrained'],
        ):
            text = refusal(*command)
            if f"cannot read the config '{path}'" not in text or expected not in text:
                faults.append(f'{command[0]}: {text}')
    assert not faults, '\n'.join(faults)
