"""The `scratch` trunk: a convolutional recurrent network of about 50,000 parameters, trained from nothing.

Convolutions are valid in time (no padding), so that a block with its context gives exactly what the whole
recording would. The last of them spans the look-ahead; a GRU adds what lies further back.
Only this module and `train` load torch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from app.detector.classes import CLASSES
from app.detector.features import BANDS

CHANNELS = (16, 32, 40)
HIDDEN = 40
MEMORY = 11
"""Steps that the last convolution spans: the eight of look-ahead and the onset before them."""
MEAN = -7.0
SCALE = 4.0
"""Fixed normalisation of log-mel frames: (x - MEAN) / SCALE."""


class Scratch(nn.Module):
    """(batch, frames, 64) log-mel to (batch, (frames - 54) / 4, classes) logits, and the GRU's last state."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = CHANNELS
        self.conv1 = nn.Conv2d(1, first, 3, padding=(0, 1))
        self.norm1 = nn.BatchNorm2d(first)
        self.conv2 = nn.Conv2d(first, second, 3, padding=(0, 1))
        self.norm2 = nn.BatchNorm2d(second)
        self.conv3 = nn.Conv2d(second, third, 3, padding=(0, 1))
        self.norm3 = nn.BatchNorm2d(third)
        self.conv4 = nn.Conv1d(third * BANDS // 16, HIDDEN, 1)
        self.conv5 = nn.Conv1d(HIDDEN, HIDDEN, MEMORY)
        self.dropout = nn.Dropout(0.1)
        self.gru = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, len(CLASSES))

    def forward(self, mel: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = ((mel - MEAN) / SCALE).unsqueeze(1)
        x = torch.max_pool2d(torch.relu(self.norm1(self.conv1(x))), (2, 2))
        x = torch.max_pool2d(torch.relu(self.norm2(self.conv2(x))), (2, 2))
        x = torch.max_pool2d(torch.relu(self.norm3(self.conv3(x))), (1, 4))
        x = x.permute(0, 1, 3, 2).flatten(1, 2)
        x = torch.relu(self.conv5(torch.relu(self.conv4(x)))).transpose(1, 2)
        remembered, last = self.gru(self.dropout(x), state)
        return self.head(self.dropout(x + remembered)), last


def parameter_count(model: nn.Module) -> int:
    """Trained numbers in the model."""
    return sum(p.numel() for p in model.parameters())
