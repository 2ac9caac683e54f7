"""Compare the attributes that CLIP found with what the clips really show."""

import json
from pathlib import Path

import numpy as np
from scenes import LEXICON


def shown(truth: dict) -> frozenset[str]:
    """All phrases that are true of at least one frame of a clip."""
    facts = [fact for *_, segment in truth['segments'] for fact in segment]
    return frozenset((truth['background'], truth['scenery'], *facts))


def quality(
    attributes: dict[str, list[tuple[str, float]]], truths: dict[str, dict]
) -> dict[str, float]:
    """Averages over the clips, in %.

    Args:
        attributes (dict): See :func:`read_attributes`; at least 5 a clip.
        truths (dict[str, dict]): What ``render.py`` wrote of each clip.

    Returns:
        dict[str, float]: ``top3`` and ``top5``: phrases among the nearest 3
        or 5 that are true; ``chance``: the same of phrases drawn by lot;
        ``background`` and ``scenery``: clips with theirs among the nearest 3.
    """
    rows = []
    for name, nearest in attributes.items():
        truth, phrases = truths[name], [phrase for phrase, _ in nearest]
        facts = shown(truth)
        hits = [phrase in facts for phrase in phrases]
        rows.append(
            dict(
                top3=np.mean(hits[:3]),
                top5=np.mean(hits[:5]),
                chance=len(facts) / len(LEXICON),
                background=truth['background'] in phrases[:3],
                scenery=truth['scenery'] in phrases[:3],
            )
        )
    return {key: float(100 * np.mean([row[key] for row in rows])) for key in rows[0]}


def read_attributes(path: Path, split: str) -> dict[str, list[tuple[str, float]]]:
    """Phrases and cosines by clip of a split, from an attribute file."""
    return {
        name: list(zip(entry['classname_topk'], entry['scores']))
        for name, entry in json.loads(path.read_text()).items()
        if name.startswith(f'{split}/')
    }
