"""A small world of action clips: their plans, frames and captions.

A clip shows one *event*, a coloured ball doing one of four actions at a prop,
for 6-25 % of its frames. All other frames show distractors: a prop without a
ball, the clip's own ball without a prop, balls of other colours, neutral
shapes. Only ball and prop together tell the class, so that frames matter
unequally: this is what video concept spotting is made for.

Background and scenery last for the whole clip. Each of eight places is home
to two classes that share neither colour nor action; a clip is set in its
class's home with probability ``typical``, else in a random place. As in real
video the scene says something about the class, which attributes can use, and
never settles it.

All randomness comes from the ``Generator`` that is passed in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import pi, sin
from typing import Callable, Optional

import numpy as np
from drawing import (
    BALL_COLORS,
    FORMS,
    GROUND,
    PROPS,
    RADIUS,
    SCENERY,
    SHAPE_COLORS,
    Canvas,
    Point,
    draw_object,
    draw_prop,
    new_canvas,
)

NUM_FRAMES = 64
EVENT_SHARE = (0.06, 0.25)  # of a clip's frames
BACKGROUNDS = {  # and how a sentence puts it
    'meadow': 'on a meadow',
    'beach': 'on a beach',
    'snow': 'in the snow',
    'night': 'at night',
    'brick wall': 'by a brick wall',
    'tiled room': 'in a tiled room',
}


# Where the ball is: ``x`` the prop's middle, ``u`` in [0, 1] the event's time.
def _jump(x: float, u: float) -> Point:
    u = 0.15 + 0.7 * u
    return x + 36 * (u - 0.5), GROUND - RADIUS - 120 * u * (1 - u)


def _slide(x: float, u: float) -> Point:
    along = 0.05 + 0.75 * u
    return x - 14 + 36 * along, GROUND - 32 + 27 * along


def _roll(x: float, u: float) -> Point:
    return x + 18 * (u - 0.5), GROUND - RADIUS


def _hang(x: float, u: float) -> Point:
    return x + 2 * sin(4 * pi * u), 36 + RADIUS


@dataclass(frozen=True)
class Action:
    """What a ball can do at a prop, and its way there."""

    verb: str
    relation: str
    prop: str
    ball_at: Callable[[float, float], Point]

    def of(self, ball: str) -> str:
        """As a sentence puts it: 'red ball jumping over a box'."""
        return f'{ball} {self.verb} {self.relation} a {self.prop}'


ACTIONS = (
    Action('jumping', 'over', 'box', _jump),
    Action('sliding', 'down', 'ramp', _slide),
    Action('rolling', 'under', 'bridge', _roll),
    Action('hanging', 'from', 'balloon', _hang),
)
BALLS = tuple(f'{color} ball' for color in BALL_COLORS)
SHAPES = tuple(f'{color} {form}' for color, form in product(SHAPE_COLORS, FORMS))
CLASSES = tuple(product(BALLS, ACTIONS))  # label -> (ball, action)
CLASS_NAMES = tuple(action.of(ball) for ball, action in CLASSES)
LEXICON = (
    *BALLS,
    *PROPS,
    *(action.verb for action in ACTIONS),
    *BACKGROUNDS,
    *SCENERY,
    *SHAPES,
)
HOMES = (
    ('meadow', 'tree'),
    ('beach', 'house'),
    ('snow', 'fence'),
    ('night', 'lamp'),
    ('brick wall', 'fence'),
    ('tiled room', 'lamp'),
    ('meadow', 'house'),
    ('beach', 'tree'),
)


def home(label: int) -> tuple[str, str]:
    """The (background, scenery) that is typical of a class.

    Class (color, action) shares it with (color + 2, action + 2).
    """
    color, action = divmod(label, len(ACTIONS))
    return HOMES[color % 2 * 4 + (action + color // 2 * 2) % 4]


@dataclass(frozen=True)
class Thing:
    """A ball or a neutral shape that drifts in a straight line."""

    name: str
    start: Point
    step: Point  # pixels per frame


@dataclass(frozen=True)
class Segment:
    """What frames ``first`` to ``last`` show, besides the place.

    Things (``action`` is None), the prop of ``action``, or an event: that prop
    and ``ball``.
    """

    first: int
    last: int
    things: tuple[Thing, ...] = ()
    action: Optional[Action] = None
    prop_x: float = 0
    ball: Optional[str] = None

    @property
    def facts(self) -> tuple[str, ...]:
        """What is true of these frames, in the lexicon's words."""
        if self.action is None:
            return tuple(thing.name for thing in self.things)
        if self.ball is None:
            return (self.action.prop,)
        return self.ball, self.action.verb, self.action.prop


@dataclass(frozen=True)
class Clip:
    """The plan of one clip; ``mirrored`` swaps left and right."""

    label: int
    background: str
    scenery: str
    scenery_x: int
    segments: tuple[Segment, ...]
    mirrored: bool

    @property
    def event(self) -> Segment:
        return next(seg for seg in self.segments if seg.ball)

    def at(self, frame: int) -> Segment:
        """The segment that ``frame`` belongs to."""
        return next(seg for seg in self.segments if frame <= seg.last)

    def facts(self, frame: int) -> frozenset[str]:
        """All that is true of ``frame``, in the lexicon's words."""
        return frozenset((*self.at(frame).facts, self.background, self.scenery))


def _sample_things(rng: np.random.Generator, ball: str) -> tuple[Thing, ...]:
    """One or two things without a prop; ``ball`` leads a third of them."""
    others = [name for name in BALLS + SHAPES if name != ball]
    names = rng.choice(others, rng.integers(1, 3), replace=False).tolist()
    if rng.random() < 1 / 3:  # a quarter of all distractors
        names[0] = ball
    sides = rng.permutation([18, 46])  # kept apart: both are to be seen
    starts = [(side + rng.uniform(-8, 8), rng.uniform(12, 48)) for side in sides]
    steps = rng.uniform(-0.8, 0.8, (2, 2))
    return tuple(map(Thing, names, starts, map(tuple, steps.tolist())))


def _distractors(
    rng: np.random.Generator, first: int, last: int, ball: str
) -> Iterator[Segment]:
    """Fill frames ``first`` to ``last``, 4 to 8 frames at a time."""
    while first <= last:
        end = min(first + int(rng.integers(3, 8)), last)
        if rng.random() < 0.25:
            action = ACTIONS[rng.integers(len(ACTIONS))]
            yield Segment(first, end, (), action, rng.uniform(25, 39))
        else:
            yield Segment(first, end, _sample_things(rng, ball))
        first = end + 1


def sample_clip(rng: np.random.Generator, label: int, typical: float = 0.9) -> Clip:
    """Plan a clip of class ``label``, at home with probability ``typical``."""
    ball, action = CLASSES[label]
    background, scenery = home(label)
    if rng.random() >= typical:
        background = str(rng.choice(list(BACKGROUNDS)))
        scenery = str(rng.choice(list(SCENERY)))
    length = round(NUM_FRAMES * rng.uniform(*EVENT_SHARE))
    first = int(rng.integers(0, NUM_FRAMES - length + 1))
    last = first + length - 1
    event = Segment(first, last, (), action, rng.uniform(25, 39), ball)
    return Clip(
        label=label,
        background=background,
        scenery=scenery,
        scenery_x=int(rng.choice([14, 32, 50])),
        segments=(
            *_distractors(rng, 0, first - 1, ball),
            event,
            *_distractors(rng, last + 1, NUM_FRAMES - 1, ball),
        ),
        mirrored=bool(rng.random() < 0.5),
    )


def draw(clip: Clip, frame: int) -> Canvas:
    """Draw one frame of a clip: [64, 64, 3] uint8 RGB."""
    canvas = new_canvas(clip.background, clip.scenery, clip.scenery_x)
    seg = clip.at(frame)
    time = frame - seg.first
    if seg.action is not None:
        draw_prop(canvas, seg.action.prop, seg.prop_x)
    if seg.ball is not None:
        progress = time / (seg.last - seg.first)
        draw_object(canvas, seg.ball, seg.action.ball_at(seg.prop_x, progress))
    for thing in seg.things:
        x, y = np.add(thing.start, np.multiply(thing.step, time))
        draw_object(canvas, thing.name, (x, y))
    return canvas[:, ::-1].copy() if clip.mirrored else canvas


def caption(
    rng: np.random.Generator, clip: Clip, frame: int
) -> tuple[str, frozenset[str]]:
    """A random true caption of a frame, and the facts that it states.

    About a third are lists of lexicon phrases, as attribute sentences are; the
    others are sentences about what happens, often with the place.
    """
    if rng.random() < 0.35:
        facts = rng.permutation(sorted(clip.facts(frame))).tolist()
        facts = facts[: rng.integers(1, len(facts) + 1)]
        return ', '.join(facts), frozenset(facts)
    seg = clip.at(frame)
    facts = list(seg.facts)
    text = seg.action.of(seg.ball) if seg.ball else ' and '.join(facts)
    if rng.random() < 0.4:
        text += f' {BACKGROUNDS[clip.background]}'
        facts.append(clip.background)
    if rng.random() < 0.4:
        text += f' with a {clip.scenery}'
        facts.append(clip.scenery)
    return text, frozenset(facts)
