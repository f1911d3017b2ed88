"""Training as a plain script writes it: float32, channels first, Adam as it comes."""

import torch
from torch import Tensor, nn

from firn.classes import IGNORE
from firn.methods.network import NetworkModel
from firn.samples import Batch


class PlainTraining:
    """Steps of a network on batches of patches.

    Parameters
    ----------
    model : NetworkModel
        Its network is trained.
    class_weights : sequence of float
    learning_rate : float
    device : str
    """

    def __init__(
        self, model: NetworkModel, class_weights: list[float], learning_rate: float, device: str
    ) -> None:
        self.device = device
        self.network = model.network.to(device)
        self.mean = model.mean.to(device)[:, None, None]
        self.std = model.std.to(device)[:, None, None]
        weights = torch.tensor(class_weights, device=device)
        self.criterion = nn.CrossEntropyLoss(weight=weights, ignore_index=IGNORE)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=learning_rate)

    def step(self, batch: Batch) -> float:
        """Train on a batch and give its loss."""
        self.network.train()
        self.optimiser.zero_grad()
        loss = self._loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return loss.item()

    def validate(self, batch: Batch) -> float:
        """Loss of a batch."""
        self.network.eval()
        with torch.no_grad():
            return self._loss(batch).item()

    def _loss(self, batch: Batch) -> Tensor:
        channels, labels = (torch.from_numpy(values).to(self.device) for values in batch)
        values = (channels - self.mean) / self.std
        missing = torch.isnan(values).any(dim=1, keepdim=True)
        logits = self.network(values.masked_fill(missing, 0))
        lost = self.network.lost
        height, width = labels.shape[-2:]
        judged = labels[:, lost : height - lost, lost : width - lost].long()
        loss: Tensor = self.criterion(logits, judged)
        return loss
