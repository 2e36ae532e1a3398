"""What is converted: a finished run, with the pictures that it was trained on."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.evaluate import keras_logits
from convert.quantize import Pictures
from training.calibration import Floats
from training.config import TrainingConfig
from training.data import LabelledPictures, content_hash, file_hashes, open_dataset, read_picture
from training.run.folder import Result, Run, Split, resolve
from training.run.load import open_network

MIN_CALIBRATION_PICTURES = 10


@dataclass(frozen=True)
class Source:
    """A finished run and its pictures, checked against each other.

    Attributes:
        model: Keras, pixels 0..255 to logits.
        fitting: the pictures that it was trained on.
        test: those set aside, if any.
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
        """Of Keras, (validation pictures, classes)."""
        return keras_logits(self.model, self.validation, self.config.image_size)

    def calibration_sample(self, count: int) -> LabelledPictures:
        """`count` training pictures, drawn at random, or all where there are fewer.

        Raises:
            ConvertError: these are too few to show the range of the activations.
        """
        available = min(count, len(self.fitting))
        if available < MIN_CALIBRATION_PICTURES:
            raise ConvertError(
                f"{available} calibration pictures are too few to see the range of the "
                f"activations: {MIN_CALIBRATION_PICTURES} are the least, some hundreds are good. "
                "Or convert by a scheme that needs none (--scheme float16)."
            )
        chosen = np.random.default_rng(self.config.seed).permutation(len(self.fitting))[:available]
        return self.fitting.subset(chosen.tolist())

    def with_fewer(self, count: int) -> "Source":
        """The same with `count` of the validation pictures, drawn at random."""
        order = np.random.default_rng(self.config.seed).permutation(len(self.validation))
        return replace(self, validation=self.validation.subset(sorted(order[:count].tolist())))

    def pixels(self, pictures: LabelledPictures) -> Pictures:
        """Gives the decoded `pictures` one by one, each time it is asked."""
        size = self.config.image_size
        return lambda: (read_picture(pictures.root / path, size) for path in pictures.paths)


def open_source(run: Run, data: Path) -> Source:
    """Read a finished run and find its pictures.

    Raises:
        ConvertError: `data` is not what the run was trained on.
        RunError: `run` is not finished, or its model cannot be read or is another's.
        DataError: pictures that cannot be used.
    """
    config, split, result = run.config(), run.split(), run.result()
    pictures, test = open_dataset(data)
    if pictures.classes != split.classes:
        raise ConvertError(
            f"{data}: has the classes {', '.join(pictures.classes)}; "
            f"the run was trained on {', '.join(split.classes)}."
        )
    used = {*split.train, *split.validation}
    others = {path.as_posix() for path in pictures.paths} - used  # what an audit left out
    if content_hash(pictures.without(others)) != split.dataset_sha256:
        raise ConvertError(f"{data}: holds other pictures than the run was trained on.")
    if test:
        file_hashes(test)  # names what cannot be read, now and not after the conversion
    return Source(
        config=config,
        split=split,
        result=result,
        model=open_network(run),
        fitting=resolve(pictures, split.train),
        validation=resolve(pictures, split.validation),
        test=test,
    )
