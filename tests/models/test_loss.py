import math

import pytest
import torch
import torch.nn.functional as F

from bike_mmaction.models.loss import ContrastiveLoss, symmetric_contrastive_loss


def match(labels):
    labels = torch.tensor(labels)
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
