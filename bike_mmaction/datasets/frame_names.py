"""Names of extracted frames."""

import re
from collections.abc import Iterable


def frame_numbers(files: Iterable[str], template: str, video: str) -> list[int]:
    """Numbers of the files that are frames.

    Args:
        files (Iterable[str]): File names.
        template (str): Name of frame number i.
        video (str): What ``{video}`` in it stands for.

    Raises:
        ValueError: if the template has no number such as ``{:05}``.
    """
    parts = re.fullmatch(r'(.*)\{:0(\d+)d?\}(.*)', template)
    if not parts:
        raise ValueError(
            f"frames '{template}': expected a name with a number "
            "such as 'img_{:05}.jpg'"
        )
    before, after = (re.escape(parts[i].replace('{video}', video)) for i in (1, 3))
    width = int(parts[2])
    pattern = re.compile(rf'{before}(\d{{{width}}}|[1-9]\d{{{width},}}){after}')
    return [int(m[1]) for m in map(pattern.fullmatch, files) if m]


def remark_on_frames(template: str, expected: str) -> str:
    """What to do where frames have other names than a config expects.

    Args:
        template (str): Name of frame number i.
        expected (str): The one of the config.

    Returns:
        str: A sentence; '' where they are the same.
    """
    if template == expected:
        return ''
    return (
        f"frames are called '{template}', but the configs expect "
        f"'{expected}': rename them, or give `bike train`, "
        f'`bike test` and `bike check-videos` the option --frames '
        f"'{template}' (in place of --rawframes)"
    )
