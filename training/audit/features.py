"""Features of training pictures from a frozen network, for the search for label errors."""

from pathlib import Path

import numpy as np
from rich.progress import track

from training.audit.examine import CONSOLE
from training.audit.findings import Audit, LabelError
from training.audit.label_errors import find_label_errors
from training.batches import stream
from training.config import TrainingConfig
from training.data import open_dataset
from training.errors import ConfigError
from training.networks.build import build, check_network, feature_extractor


def check_features(config: TrainingConfig) -> None:
    """Check that the network of `config` has features, before the pictures are read.

    Raises:
        ConfigError: its weights are random.
        WeightsError: its weights file does not exist.
    """
    if not config.pretrained:
        raise ConfigError(
            f"Label errors are found with features of a pretrained network, but the weights of "
            f"{config.architecture} are random. Pass the --config of another network."
        )
    check_network(config)


def label_errors(audit: Audit, data: Path, config: TrainingConfig) -> tuple[LabelError, ...]:
    """Search the training part of `data` for label errors, without the files that `audit` excludes.

    Features take 20 KB of memory per picture.

    Raises:
        DataError: a class has too few pictures.
        WeightsError: the weights of the network of `config` cannot be used.
    """
    excluded = {each.path for each in audit.exclude if each.part == "train"}
    pictures = open_dataset(data).train.without(excluded)
    extractor = feature_extractor(build(config, len(pictures.classes)))
    batches = track(
        stream(pictures, config.image_size, config.batch_size),
        "Computing the features",
        total=-(-len(pictures) // config.batch_size),
        console=CONSOLE,
    )
    features = np.concatenate([extractor.predict_on_batch(batch) for batch in batches])
    return find_label_errors(pictures, features)
