"""The house: imports run downward, files and functions fit in a head."""

import ast
import os
import os.path as osp
from collections import defaultdict

ROOT = osp.dirname(osp.dirname(osp.abspath(__file__)))
PACKAGE = 'bike_mmaction'
# From the ground up. Rooms of one floor may use each other one way only.
FLOORS = (
    ('errors', 'files', 'moved_configs', 'ranks', 'renamed', 'shards', 'shipped')
    + ('terminal', 'text_files', 'version', 'compat', 'video'),
    ('datasets', 'checkpoint', 'visualization'),
    ('models',),
    ('evaluation', 'training'),
    ('recipes',),
    ('apis',),
    ('cli', 'web', 'report', 'reproduction', 'benchmarks', 'doctor'),
)
FLOOR_OF = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40
# A longer one says why in a comment with this word, on its `def` or above it.
REASON = 'long:'


def files(*folders):
    for folder in folders:
        for path, _, names in os.walk(osp.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith('.py'):
                    yield osp.relpath(osp.join(path, name), ROOT)


def parse(path):
    with open(osp.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


def module_of(path):
    parts = osp.splitext(path)[0].split(os.sep)
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def imported(path, modules):
    """Modules of the package that a file imports, also inside of functions."""
    parts = osp.splitext(path)[0].split(os.sep)
    for node in ast.walk(ast.parse(parse(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = '.'.join(parts[: -node.level]) if node.level else ''
            base = '.'.join(filter(None, (start, node.module)))
            names = [f'{base}.{alias.name}' for alias in node.names]
            names = [name if name in modules else base for name in names]
        else:
            continue
        yield from (name for name in names if name.split('.')[0] == PACKAGE)


def arrows():
    paths = {module_of(path): path for path in files(PACKAGE)}
    return {m: set(imported(path, paths)) - {m} for m, path in paths.items()}


def room_of(module):
    return module.split('.')[1] if '.' in module else None


def circles(graph):
    """Groups of nodes that reach each other."""
    reach = {}
    for start in graph:
        seen, left = set(), [start]
        while left:
            for node in graph.get(left.pop(), ()):
                if node not in seen:
                    seen.add(node)
                    left.append(node)
        reach[start] = seen
    return sorted(
        {
            tuple(sorted(b for b in reach[a] if a in reach.get(b, ())))
            for a in graph
            if a in reach[a]
        }
    )


def test_imports_run_downward():
    faults, rooms = [], defaultdict(set)
    for module, others in arrows().items():
        room = room_of(module)
        if room in (None, '__main__'):  # the package itself registers everything
            continue
        if room not in FLOOR_OF:
            faults.append(f'{module}: the room {room} is on no floor')
            continue
        for other in others:
            other_room = room_of(other)
            if other_room is None:
                faults.append(f'{module} imports the package as a whole')
            elif other_room != room:
                rooms[room].add(other_room)
                if FLOOR_OF.get(other_room, 99) > FLOOR_OF[room]:
                    faults.append(f'{module} imports {other}, which is above it')
    faults += [f'rooms import each other: {c}' for c in circles(rooms)]
    assert not faults, '\n'.join(faults)


def test_no_circles():
    graph = {m: others for m, others in arrows().items() if m != PACKAGE}
    # A package's face may gather its files, which do not import the face.
    assert not circles(graph), circles(graph)


def test_files_and_functions_fit_in_a_head():
    faults = []
    for path in files(PACKAGE, 'tools', 'configs'):
        source = parse(path)
        lines = source.splitlines()
        if len(lines) > MOST_LINES:
            faults.append(f'{path}: {len(lines)} lines, more than {MOST_LINES}')
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            length = code_lines(node)
            if length <= MOST_LINES_OF_A_FUNCTION:
                continue
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            near = lines[max(first - 3, 0) : node.body[0].lineno]
            if not any('#' in line and REASON in line for line in near):
                faults.append(
                    f'{path}:{node.lineno}: {node.name} has {length} lines; '
                    f'split it, or say why in a comment "# {REASON} ..."'
                )
    assert not faults, '\n'.join(faults)


def code_lines(node):
    """Lines of a function without its docstring."""
    body = node.body
    doc = body[0] if isinstance(body[0], ast.Expr) else None
    is_text = doc is not None and isinstance(getattr(doc, 'value', None), ast.Constant)
    docstring = doc.end_lineno - doc.lineno + 1 if is_text else 0
    return node.end_lineno - node.lineno + 1 - docstring
