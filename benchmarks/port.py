"""A straightforward port of the reference's combined network: what one writes first.

Every text is padded to `n_words`, every speech to 100 frames, the attention decoder is a Python
loop over the steps, layers are PyTorch's own with its own dropout, all in float32. Widths are those
of `tripathi/combined`.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

N_FRAMES, N_PARTS, N_COLUMNS = 100, 200, 189


class Decoder(nn.Module):
    """Bahdanau's attention decoder, a step at a time."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.query = nn.Linear(units, units, bias=False)
        self.keys = nn.Linear(inputs, units)
        self.energy = nn.Linear(units, 1, bias=False)
        self.start = nn.Linear(inputs, units, bias=False)
        self.gates = nn.Linear(2 * units + inputs, 2 * units)
        self.proposal = nn.Linear(2 * units + inputs, units)
        self.output = nn.Linear(2 * units + inputs, units)

    def forward(self, states_BTD: Tensor) -> Tensor:
        """All outputs, `(B, T, units)`."""
        keys_BTU = self.keys(states_BTD)
        state_BU = torch.tanh(self.start(states_BTD[:, 0]))
        output_BU = torch.zeros_like(state_BU)
        outputs = []
        for _ in range(states_BTD.shape[1]):
            energy_BT1 = self.energy(torch.tanh(self.query(state_BU)[:, None] + keys_BTU))
            context_BD = (energy_BT1.softmax(1) * states_BTD).sum(1)
            everything = torch.cat([output_BU, state_BU, context_BD], 1)
            reset_BU, update_BU = torch.sigmoid(self.gates(everything)).chunk(2, 1)
            inner = torch.cat([output_BU, reset_BU * state_BU, context_BD], 1)
            proposal_BU = torch.tanh(self.proposal(inner))
            output_BU = self.output(everything).softmax(1)
            state_BU = (1 - update_BU) * state_BU + update_BU * proposal_BU
            outputs.append(output_BU)
        return torch.stack(outputs, 1)


class Port(nn.Module):
    """Text, speech and motion `(B, T …)` → logits `(B, 4)`."""

    def __init__(self, n_tokens: int, rate: float, *, text=238, speech=112, fusion=189) -> None:  # noqa: ANN001
        super().__init__()
        self.rate = rate
        self.embedding = nn.Embedding(n_tokens, 300)
        self.words1 = nn.LSTM(300, text, batch_first=True)
        self.words2 = nn.LSTM(text, text, batch_first=True)
        self.words = nn.Linear(text, 256)
        self.frames = nn.LSTM(34, speech, batch_first=True)
        self.decoder = Decoder(speech, speech)
        self.speech = nn.Linear(N_FRAMES * speech, 256)
        widths = (1, 32, 64, 64, 128, 128)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, units, 3, 2, padding=1) for inputs, units in pairwise(widths)
        )
        self.motion = nn.Linear(128 * 7 * 6, 256)
        self.hidden = nn.Linear(768, fusion)
        self.classes = nn.Linear(fusion, 4)

    def forward(self, tokens_BT: Tensor, frames_BTD: Tensor, parts_BTD: Tensor) -> Tensor:
        """Classify a batch."""
        words = F.dropout(self.words1(self.embedding(tokens_BT))[0], self.rate)
        words = self.words(F.dropout(self.words2(words)[0][:, -1], self.rate))
        frames = F.dropout(self.frames(frames_BTD)[0], self.rate)
        frames = self.speech(F.dropout(self.decoder(frames), self.rate).flatten(1))
        image = parts_BTD[:, None]
        for layer in self.convolutions:
            image = F.dropout(layer(image), self.rate).relu()
        together = torch.cat([words, frames, self.motion(image.flatten(1))], 1).relu()
        logits_BC: Tensor = self.classes(self.hidden(together).relu())
        return logits_BC
