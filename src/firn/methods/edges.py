"""Edges of patches: what a network without padding loses of them, and what no method is judged on.

Scores need this without torch, which takes seconds to be imported.
"""

from firn.config import NetworkSettings

#: Pixels that one side of the two 3x3 convolutions of a level needs.
CONVOLUTIONS_REACH = 2


def lost_pixels(depth: int) -> int:
    """Pixels per side that an unpadded U-Net of ``depth`` poolings loses: 92 for 4."""
    encoder_and_decoder = sum(2 * CONVOLUTIONS_REACH << level for level in range(depth))
    return encoder_and_decoder + (CONVOLUTIONS_REACH << depth)


def judged_edge(settings: NetworkSettings, overlap: int) -> int:
    """Pixels along the edges of a patch on which no method of a run is judged.

    Half of the overlap, so that each pixel of a scene counts once, or else all that an unpadded
    U-Net loses. The methods without context could judge more, but would then be judged on more.

    Parameters
    ----------
    settings : NetworkSettings
    overlap : int
        Pixels that neighbouring patches share.
    """
    lost = lost_pixels(len(settings.widths) - 1) if settings.padding == "valid" else 0
    return max(overlap // 2, lost)
