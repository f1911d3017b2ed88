"""A U-Net on a whole image in one pass of float32, channels first."""

import numpy as np
import torch

from firn.methods.base import FloatArray, Window, crop
from firn.methods.unet import UNetModel


class PlainUNet(UNetModel):
    """The same U-Net without care for time or memory."""

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`; the whole image is computed whatever the window."""
        mean = np.asarray(self.card.mean, np.float32)[:, None, None]
        std = np.asarray(self.card.std, np.float32)[:, None, None]
        values = (channels - mean) / std
        values[:, np.isnan(channels).any(axis=0)] = 0
        height, width = values.shape[1:]
        lost, fit = self.network.lost, self.network.input_size
        around = [
            (0, 0),
            (lost, fit(height + 2 * lost) - height - lost),
            (lost, fit(width + 2 * lost) - width - lost),
        ]
        batch = torch.from_numpy(np.pad(values, around))[None]
        with torch.no_grad():
            logits = self.network(batch)[0] / self.card.temperature
        probabilities = torch.softmax(logits, dim=0).numpy()
        return np.asarray(crop(probabilities[:, :height, :width], window))
