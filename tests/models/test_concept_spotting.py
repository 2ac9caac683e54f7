"""The formulas of video concept spotting, by hand and at their limits."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from bike_mmaction.models import concept_spotting as module
from bike_mmaction.models.concept_spotting import concept_spotting, frame_saliency


def unit(*shape):
    return F.normalize(torch.randn(*shape), dim=-1)


def test_saliency_by_hand():
    # Two orthogonal frames; the query is the first: cosines 1 and 0.
    frames = torch.eye(2)[None]
    queries = torch.tensor([[[1.0, 0.0]]])
    actual = frame_saliency(frames, queries, temperature=1.0)
    e = torch.e
    torch.testing.assert_close(actual, torch.tensor([[[e / (e + 1), 1 / (e + 1)]]]))


def test_softmax_comes_before_the_mean_over_words():
    # A word for each frame: either is certain, together undecided.
    frames = torch.eye(2)[None]
    actual = frame_saliency(frames, torch.eye(2)[None], temperature=0.01)
    torch.testing.assert_close(actual, torch.full((1, 1, 2), 0.5))


def test_scores_by_hand():
    # A frame like the class, and one unlike it, weighted e : 1.
    frames = torch.eye(2)[None]
    classes = torch.tensor([[1.0, 0.0]])
    scores, saliency = concept_spotting(
        frames, classes[:, None], classes, temperature=1.0
    )
    torch.testing.assert_close(scores, saliency[..., 0])
    cosine, _ = concept_spotting(
        frames, classes[:, None], classes, 1.0, renormalize=True
    )
    w = saliency[0, 0]
    torch.testing.assert_close(cosine[0, 0], w[0] / w.norm())


def test_uniform_saliency_equals_mean_pooling():
    frames, words, classes = unit(2, 5, 8), unit(3, 4, 8), unit(3, 8)
    scores, saliency = concept_spotting(frames, words, classes, 1e9)
    torch.testing.assert_close(saliency, torch.full((2, 3, 5), 0.2))
    torch.testing.assert_close(scores, frames.mean(1) @ classes.t())


def test_low_temperature_takes_the_best_frame():
    frames, classes = unit(2, 5, 8), unit(3, 8)
    scores, _ = concept_spotting(frames, classes[:, None], classes, 1e-6)
    best = (frames @ classes.t()).amax(dim=1)
    torch.testing.assert_close(scores, best)


def test_mask_leaves_words_out():
    frames, words = unit(2, 5, 8), unit(3, 4, 8)
    mask = torch.tensor([[True, True, False, False]] * 3)
    torch.testing.assert_close(
        frame_saliency(frames, words, 0.1, mask),
        frame_saliency(frames, words[:, :2], 0.1),
    )


def test_gradients_in_double_precision():
    """Of frames, words and classes, with words that do not count."""
    inputs = [
        F.normalize(torch.randn(*shape, dtype=torch.double), dim=-1).requires_grad_()
        for shape in ((2, 3, 4), (3, 5, 4), (3, 4))
    ]
    mask = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [1, 0, 1, 0, 0]]).bool()
    for renormalize in (False, True):
        assert torch.autograd.gradcheck(
            lambda *x, r=renormalize: concept_spotting(*x, 0.1, mask, r), inputs
        )


class LargestTensor(TorchDispatchMode):
    """Elements of the largest result of any operation."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return out


def by_definition(frames, words, classes, temperature, mask, renormalize):
    """Eq. 5, 6 and 2 with all N·K·Q·T similarities, and a video for each class."""
    similarity = torch.einsum('ntd,kqd->nkqt', frames, words)
    saliency = (similarity / temperature).softmax(dim=-1)
    weights = mask.double() / mask.sum(dim=1, keepdim=True)
    saliency = torch.einsum('nkqt,kq->nkt', saliency, weights)
    videos = torch.einsum('nkt,ntd->nkd', saliency, frames)
    if renormalize:
        videos = F.normalize(videos, dim=-1)
    return torch.einsum('nkd,kd->nk', videos, classes), saliency


@pytest.mark.parametrize('renormalize', [False, True])
@pytest.mark.parametrize('most', [300, 2000, 100_000])
def test_parts_are_the_whole_in_little_memory(monkeypatch, most, renormalize):
    """Values and gradients of frames, words and classes; what is kept for them."""
    n, k, q, t, d = 16, 10, 20, 5, 4
    monkeypatch.setattr(module, 'MOST_ON_CPU', most)
    shapes = (n, t, d), (k, q, d), (k, d)
    inputs = [
        F.normalize(torch.randn(*shape, dtype=torch.double), dim=-1).requires_grad_()
        for shape in shapes
    ]
    mask = torch.rand(k, q) < 0.5
    mask[:, 0] = True

    def run(function):
        scores, saliency = function(*inputs, 0.1, mask, renormalize)
        wanted = torch.linspace(-1, 1, saliency.numel()).view_as(saliency)
        loss = scores.square().sum() + (saliency * wanted).sum()
        return [scores, saliency, *torch.autograd.grad(loss, inputs)]

    expected, kept = run(by_definition), []
    with (
        LargestTensor() as largest,
        torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor
        ),
    ):
        actual = run(concept_spotting)
    for a, b in zip(actual, expected):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
    others = n * k * t, k * q * d, n * t * d, n * t * t  # inputs and results
    assert largest.elements <= max(2 * most, *others)  # two buffers in one
    if most < n * k * q * t:
        storages = {x.untyped_storage().data_ptr(): x.untyped_storage() for x in kept}
        assert sum(len(x) for x in storages.values()) < 8 * n * k * q * t  # bytes
