"""Input of a conversion: a finished run and the pictures it was trained on."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.quantize import Pictures
from training.batches import stream
from training.calibration import Floats
from training.config import TrainingConfig
from training.data import (
    LabelledPictures,
    content_hash,
    dataset_hash,
    file_hashes,
    open_dataset,
    read_picture,
)
from training.layout import composed
from training.run.folder import Result, Run, Split, resolve, validation_source
from training.run.load import open_network

MIN_CALIBRATION_PICTURES = 10
BATCH_SIZE = 32


@dataclass(frozen=True)
class ConversionSource:
    """A finished run and its pictures, checked against each other.

    Attributes:
        model: Keras model from pixels, float 0..255, (batch, height, width, 3), to logits
            (batch, classes).
        fitting: pictures the model was trained on.
        test: pictures set aside for the test; None if the data has no test part.
    """

    config: TrainingConfig
    split: Split
    result: Result
    model: Any
    fitting: LabelledPictures
    validation: LabelledPictures
    test: LabelledPictures | None

    @cached_property
    def validation_logits(self) -> Floats:
        """Logits of the Keras model on the validation pictures, float (pictures, classes)."""
        return self._predict(self.validation)

    def keras_logits(self, pictures: LabelledPictures) -> Floats:
        """Logits of the Keras model, float (pictures, classes).

        Those of the validation pictures are computed once.
        """
        return self.validation_logits if pictures is self.validation else self._predict(pictures)

    def calibration_sample(self, count: int) -> LabelledPictures:
        """Draw `count` training pictures at random, or all of them if there are fewer.

        Raises:
            ConvertError: the sample is too small to calibrate the activation ranges.
        """
        available = min(count, len(self.fitting))
        if available < MIN_CALIBRATION_PICTURES:
            raise ConvertError(
                f"{available} calibration pictures are too few to calibrate the activation "
                f"ranges. Use at least {MIN_CALIBRATION_PICTURES}, better a few hundred, or a "
                "scheme that needs no calibration (--scheme float16)."
            )
        return self.training_sample(available)

    def training_sample(self, count: int) -> LabelledPictures:
        """Draw `count` training pictures at random, or all of them if there are fewer."""
        chosen = np.random.default_rng(self.config.seed).permutation(len(self.fitting))[:count]
        return self.fitting.subset(chosen.tolist())

    def with_fewer(self, count: int) -> "ConversionSource":
        """Copy with only `count` of the validation pictures, drawn at random."""
        order = np.random.default_rng(self.config.seed).permutation(len(self.validation))
        return replace(self, validation=self.validation.subset(sorted(order[:count].tolist())))

    def pixels(self, pictures: LabelledPictures) -> Pictures:
        """Return a function that decodes `pictures` one by one each time it is called.

        Each picture is uint8 RGB, (height, width, 3).
        """
        size = self.config.image_size
        return lambda: (read_picture(pictures.root / path, size) for path in pictures.paths)

    def _predict(self, pictures: LabelledPictures) -> Floats:
        batches = stream(pictures, self.config.image_size, BATCH_SIZE)
        return np.asarray(self.model.predict(batches, verbose=0))


def open_source(run: Run, data: Path) -> ConversionSource:
    """Read a finished run and find its pictures.

    Raises:
        ConvertError: `data` does not contain the pictures the run was trained on.
        RunError: `run` is not finished, or its model is unreadable or belongs to another run.
        DataError: some pictures cannot be read.
    """
    config, split, result = run.config(), run.split(), run.result()
    dataset = open_dataset(data)
    if dataset.train.classes != composed(split.classes):
        raise ConvertError(
            f"{data}: the classes are {', '.join(dataset.train.classes)}, but the run was trained "
            f"on {', '.join(split.classes)}. Pass the folder the run was trained on with --data."
        )
    validation = validation_source(split, dataset)
    if split.validation_part:
        train_hash = content_hash(dataset.train.only(split.train))
        validated = {*split.validation, *split.refitted}
        found = dataset_hash(train_hash, content_hash(validation.only(validated)))
    else:
        everything = {*split.train, *split.validation, *split.refitted}
        found = content_hash(dataset.train.only(everything))
    if found != split.dataset_sha256:
        raise ConvertError(
            f"{data}: the pictures are not those the run was trained on. Some were added, removed "
            "or changed. Restore them, or train again."
        )
    if dataset.test:
        file_hashes(dataset.test)  # reports unreadable pictures now, not after the conversion
    return ConversionSource(
        config=config,
        split=split,
        result=result,
        model=open_network(run),
        fitting=resolve(dataset.train, split.train),
        validation=resolve(validation, split.validation),
        test=dataset.test,
    )
