"""The methods that have a network, which gradient descent trains."""

from firn.methods.clouddl import CloudDLModel
from firn.methods.network import NetworkModel
from firn.methods.pixel import PixelModel
from firn.methods.unet import UNetModel

TRAINED: dict[str, type[NetworkModel]] = {
    "unet": UNetModel,
    "baseline-pixel": PixelModel,
    "clouddl": CloudDLModel,
}
