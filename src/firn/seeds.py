"""Random numbers that depend on one seed and on names, never on the order of jobs."""

import hashlib

import numpy as np


def seed_sequence(seed: int, *names: str) -> np.random.SeedSequence:
    """Seed sequence of the artefact that ``names`` spell.

    The names are hashed (SHA-256) into the spawn key, so artefacts get independent streams whatever
    their number or order.
    """
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return np.random.SeedSequence(seed, spawn_key=tuple(np.frombuffer(digest, "<u4").tolist()))


def generator(seed: int, *names: str) -> np.random.Generator:
    """Random generator of the artefact that ``names`` spell; see `seed_sequence`."""
    return np.random.default_rng(seed_sequence(seed, *names))
