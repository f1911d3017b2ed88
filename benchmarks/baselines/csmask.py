"""ukis-csmask 1.0 (DLR, Apache-2.0) as a method: a U-Net on EfficientNet-B4, in onnxruntime."""

from typing import Self

import numpy as np
import torch

from firn.methods.base import FloatArray, Model, ModelCard, Tensors, Window, crop, one_hot

#: Names that it has for the bands of its model of four, here given to those of SPOT4. They are not
#: the same, so that only its time means something.
NAMES = ("green", "red", "nir", "blue")


class CsmaskModel(Model):
    """Background, cloud and cloud shadow, which pass as ground, snow and cloud."""

    def predict(self, channels: FloatArray, window: Window | None = None) -> FloatArray:
        """See `Model.predict`; the whole image is computed whatever the window."""
        from ukis_csmask.mask import CSmask

        image = np.moveaxis(np.nan_to_num(channels[: len(NAMES)]), 0, -1)
        mask = CSmask(
            image,
            band_order=list(NAMES),
            product_level="l1c",
            nodata_value=0,
            providers=["CPUExecutionProvider"],
            intra_op_num_threads=torch.get_num_threads(),
        )
        return np.asarray(crop(one_hot(mask.csm[..., 0]), window))

    @classmethod
    def restore(cls, card: ModelCard, tensors: Tensors) -> Self:
        """Its weights come with its package."""
        return cls(card)

    def tensors(self) -> Tensors:
        """See `restore`."""
        return {}
