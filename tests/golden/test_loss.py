"""The loss and its gradient are those of the released code."""

import os.path as osp

import numpy as np
import torch

from bike_mmaction.models.loss import symmetric_contrastive_loss


def test_soft_target():
    golden = np.load(osp.join(osp.dirname(__file__), 'loss.npz'))
    logits = torch.tensor(golden['logits'], requires_grad=True)
    labels = torch.tensor(golden['labels'])
    loss = symmetric_contrastive_loss(logits, labels[:, None] == labels)
    loss.backward()
    np.testing.assert_allclose(loss.item(), golden['loss'], rtol=1e-4)
    np.testing.assert_allclose(
        logits.grad.numpy(), golden['grad'], rtol=1e-4, atol=1e-7
    )
