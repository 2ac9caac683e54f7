import math

import pytest
import torch
import torch.nn.functional as F

from bike_mmaction.models import loss
from bike_mmaction.models.contrastive import contrastive_loss_by_class
from bike_mmaction.models.loss import (
    ContrastiveLoss,
    SigmoidLoss,
    symmetric_contrastive_loss,
)


def match(labels):
    labels = torch.as_tensor(labels)
    return labels[:, None] == labels


class TestHardTarget:
    def test_without_repeats_is_symmetric_cross_entropy(self):
        logits, target = torch.randn(5, 5), torch.arange(5)
        expected = (
            F.cross_entropy(logits, target) + F.cross_entropy(logits.t(), target)
        ) / 2
        actual = symmetric_contrastive_loss(logits, match(range(5)), 'hard')
        torch.testing.assert_close(actual, expected)

    def test_eq_7_by_hand(self):
        # Videos 0 and 1 share a class. Logits ln 2 on the diagonal, else 0:
        # each row and column holds probabilities 2/4, 1/4, 1/4.
        logits = torch.eye(3) * math.log(2)
        shared = -(math.log(1 / 2) + math.log(1 / 4)) / 2
        expected = (2 * shared - math.log(1 / 2)) / 3
        actual = symmetric_contrastive_loss(logits, match([0, 0, 1]), 'hard')
        assert actual.item() == pytest.approx(expected, rel=1e-6)


class TestSoftTarget:
    def test_is_the_kl_divergence(self):
        logits, positives = torch.randn(4, 4), match([0, 1, 0, 2])
        wanted = F.softmax(10 * positives.float(), dim=1)
        expected = (
            sum(
                F.kl_div(x.log_softmax(1), wanted, reduction='batchmean')
                for x in (logits, logits.t())
            )
            / 2
        )
        actual = symmetric_contrastive_loss(logits, positives)
        torch.testing.assert_close(actual, expected)

    def test_is_zero_at_its_target(self):
        positives = match([0, 1, 0, 2])
        actual = symmetric_contrastive_loss(10 * positives.float(), positives)
        assert actual.item() == pytest.approx(0, abs=1e-6)
        actual = symmetric_contrastive_loss(9 * positives.float(), positives)
        assert actual.item() > 1e-6


@pytest.mark.parametrize('target', ['soft', 'hard'])
def test_by_class_is_the_same(target):
    """Value and gradient; also where classes have no video, or all are of one."""
    for labels in ([3, 1, 3, 0, 3, 1], [2] * 4, [0, 1, 2, 3, 4]):
        labels, grads, losses = torch.tensor(labels), [], []
        scores = (20 * torch.randn(len(labels), 5, dtype=torch.float64)).float()
        for by_class in (True, False):
            leaf = scores.clone().requires_grad_()
            losses.append(
                contrastive_loss_by_class(leaf, labels, target)
                if by_class
                else symmetric_contrastive_loss(leaf[:, labels], match(labels), target)
            )
            losses[-1].backward()
            grads.append(leaf.grad)
        torch.testing.assert_close(*losses)
        torch.testing.assert_close(*grads)


def test_by_class_where_it_is_less(monkeypatch):
    """Of many videos, and of more than there are classes."""
    by_class = []
    monkeypatch.setattr(loss, 'MOST_VIDEOS', 4)
    monkeypatch.setattr(
        loss,
        'contrastive_loss_by_class',
        lambda x, *_: by_class.append(tuple(x.shape)) or x.sum(),
    )
    for videos, classes in ((4, 3), (6, 5), (6, 7)):
        labels = torch.zeros(videos, dtype=torch.long)
        ContrastiveLoss()(torch.randn(videos, classes), labels)
    assert by_class == [(6, 5)]


def test_by_class_under_autocast(monkeypatch):
    """In full precision: sums over thousands of videos, more than float16 holds."""
    monkeypatch.setattr(loss, 'MOST_VIDEOS', 0)
    scores, labels = 40 + 10 * torch.randn(3000, 5), torch.arange(3000) % 5
    expected = ContrastiveLoss()(scores, labels)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(ContrastiveLoss()(scores, labels), expected)


class TestModule:
    def test_columns_are_the_classes_of_the_videos(self):
        scores, labels = torch.randn(3, 7), torch.tensor([6, 2, 6])
        expected = symmetric_contrastive_loss(scores[:, [6, 2, 6]], match([6, 2, 6]))
        torch.testing.assert_close(ContrastiveLoss()(scores, labels), expected)

    def test_half_precision_is_computed_in_full(self):
        scores, labels = torch.randn(3, 7).half(), torch.tensor([6, 2, 6])
        torch.testing.assert_close(
            ContrastiveLoss()(scores, labels), ContrastiveLoss()(scores.float(), labels)
        )

    def test_loss_weight(self):
        scores, labels = torch.randn(3, 7), torch.tensor([6, 2, 6])
        torch.testing.assert_close(
            ContrastiveLoss(loss_weight=0.5)(scores, labels),
            ContrastiveLoss()(scores, labels) / 2,
        )

    def test_unknown_target(self):
        with pytest.raises(ValueError, match="'firm'.*'soft', 'hard'"):
            ContrastiveLoss(target='firm')

    def test_one_hot_labels_are_refused(self):
        with pytest.raises(ValueError, match='shape \\(3, 7\\)'):
            ContrastiveLoss()(torch.randn(3, 7), torch.zeros(3, 7))


@pytest.mark.parametrize('target', ['soft', 'hard'])
def test_gradients_in_double_precision(target):
    logits = torch.randn(4, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: symmetric_contrastive_loss(x, match([0, 1, 0, 2]), target), logits
    )


class TestSigmoid:
    """Of videos that may have several classes, or none."""

    cosines = torch.tensor([[0.3, -0.1, 0.2], [0.0, 0.5, 0.4]])
    labels = torch.tensor([[1.0, 0, 1], [0, 0, 0]])

    def test_eq_1_of_siglip_and_its_gradients_by_hand(self):
        loss = SigmoidLoss(loss_weight=2).eval()
        with torch.no_grad():
            loss.bias.fill_(-1.5)
        scale = torch.tensor(4.0, requires_grad=True)
        value = loss(scale * self.cosines, self.labels)
        value.backward()
        expected = slope_of_scale = slope_of_bias = 0.0
        for cosines, labels in zip(self.cosines.tolist(), self.labels.tolist()):
            for cosine, label in zip(cosines, labels):
                z = 1 if label else -1
                expected += math.log(1 + math.exp(z * (-4 * cosine + 1.5)))
                surplus = 1 / (1 + math.exp(-4 * cosine + 1.5)) - label
                slope_of_scale += surplus * cosine
                slope_of_bias += surplus
        # twice the sum over classes, the mean over two videos
        assert value.item() == pytest.approx(expected, rel=1e-6)
        assert scale.grad.item() == pytest.approx(slope_of_scale, rel=1e-5)
        assert loss.bias.grad.item() == pytest.approx(slope_of_bias, rel=1e-5)

    def test_class_indices_are_one_label_each(self):
        loss, indices = SigmoidLoss().eval(), torch.tensor([2, 0])
        expected = loss(self.cosines, torch.tensor([[0.0, 0, 1], [1, 0, 0]]))
        torch.testing.assert_close(loss(self.cosines, indices), expected)
        with pytest.raises(ValueError, match=r'labels of all classes, \[2, 3\]'):
            loss(self.cosines, torch.zeros(2, 4))

    def test_the_first_batch_sets_the_bias(self):
        """Then probabilities are as many as labels; later batches leave it."""
        loss, scores = SigmoidLoss(), 100 * self.cosines
        loss(scores, self.labels)
        share = (scores + loss.bias).sigmoid().mean().item()
        assert share == pytest.approx(2 / 6, abs=1e-4)
        bias = loss.bias.item()
        loss(scores, 1 - self.labels)
        assert loss.bias.item() == bias

    def test_a_bias_that_was_learned_stays(self):
        learned, fresh = SigmoidLoss(), SigmoidLoss()
        with torch.no_grad():
            learned.bias.fill_(3.25)
        fresh.load_state_dict(learned.state_dict())
        fresh(100 * self.cosines, self.labels)
        assert fresh.bias.item() == 3.25
