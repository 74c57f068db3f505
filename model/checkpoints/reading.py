"""Reading DeepSpeed's files as data: nothing that is written in them runs.

Belongs here: which classes a file of states may name. Does not belong here: whether a file is the
one that its manifest names (verify.py), who wrote the manifest (signing.py).

The files are pickles. torch reads them with an unpickler that knows tensors, plain values and the
classes below, and refuses everything else; DeepSpeed's own code asks for the other one, which calls
whatever a file names, so that torch is told by its environment variable.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from model.checkpoints.manifest import CheckpointError

FORCE, FORCE_NOT = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""Variables of torch that decide for every `torch.load` of a process."""


@contextmanager
def only_data(where: str) -> Iterator[None]:
    """Inside, no `torch.load` of this process runs what a file says; CheckpointError, which names
    `where`, for a file that asks for it."""
    import pickle

    import torch
    from deepspeed.runtime.fp16.loss_scaler import LossScaler
    from deepspeed.runtime.zero.config import ZeroStageEnum
    from deepspeed.utils.tensor_fragment import fragment_address

    # A record of the loss scale, the number of the stage, places in flat partitions.
    allowed = [LossScaler, ZeroStageEnum, fragment_address]
    before = {name: os.environ.pop(name, None) for name in (FORCE, FORCE_NOT)}
    os.environ[FORCE] = "1"
    try:
        with torch.serialization.safe_globals(allowed):
            yield
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{where} holds more than states of DeepSpeed, and was not read: {str(error)[:400]}"
        ) from error
    finally:
        del os.environ[FORCE]
        os.environ.update({name: value for name, value in before.items() if value is not None})
