"""Configuration of a training run. Every run folder contains the one that it was made with."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from training.errors import RunError

Architecture = Literal[  # the functions of training/networks/architectures.py
    "mobilenet_v2",
    "resnet50",
    "efficientnet_b0",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "custom_cnn",
]
LabelErrors = Literal["keep", "exclude", "soften"]
Preset = Literal["none", "light", "default", "strong"]


class TrainingConfig(BaseModel):
    """Hyperparameters of a run. `training/recipes/` contains those of the published model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The network.
    architecture: Architecture = "mobilenet_v2"
    weights: str = "imagenet"  # "imagenet", "none" or a file of weights without the top
    alpha: float = Field(
        1.0, gt=0
    )  # width of MobileNetV2; 0.35 is three times faster, less accurate
    image_size: int = Field(150, ge=32)  # pixels per side; the time grows with its square
    upscale: float = Field(1.0, ge=1)  # inside the network: closer to ImageNet's sizes, but slower
    dense_units: int = Field(256, ge=1)  # between the pooled features and the classes
    dropout: float = Field(0.5, ge=0, lt=1)  # around the dense layer

    # The pictures.
    validation_fraction: float = Field(
        0.2, gt=0, lt=1
    )  # of the training pictures, never of the test pictures
    seed: int = 0  # of split, order, augmentation and dropout
    split_seed: int | None = None  # of the split alone: other seeds on the same validation pictures
    batch_size: int = Field(32, ge=1)  # of all devices together
    augmentation: Preset = "default"  # see training/augmentation.py
    mixup: float | None = Field(None, ge=0)  # alpha; None: that of the augmentation
    flip: bool = True  # left to right; turn off if direction matters (digits, signs)
    label_errors: LabelErrors = "keep"  # those that the audit lists; see training/labels.py
    label_smoothing: float = Field(0.1, ge=0, lt=1)  # the labels contain mistakes

    # Distillation, while all layers are trained. See training/teachers.py.
    teachers: tuple[str, ...] = ()  # folders of finished runs; their mean prediction is learned
    teacher_share: float = Field(0.5, ge=0, le=1)  # of the target; the rest is the label
    teacher_temperature: float = Field(1.0, gt=0)  # 1 keeps the teachers' calibrated probabilities
    unlabeled: str | None = None  # folder of pictures that the teachers alone explain

    # A finished run to repeat on its training and validation pictures. See training/refit.py.
    refit: str | None = None

    # Random weights: the head on the frozen backbone, or the whole network without weights.
    learning_rate: float = Field(1e-3, gt=0)  # of Adam; lowered when validation stops improving
    head_epochs: int = Field(100, ge=1)  # seconds each: the features are computed once
    patience: int = Field(5, ge=1)  # epochs without a lower validation loss before stopping

    # Then all layers. The rate must be small: 1e-4 already forgets what ImageNet taught.
    epochs: int = Field(5, ge=0)  # 0 keeps the frozen backbone and its head
    fine_tuning_rate: float = Field(6e-5, gt=0)  # peak, of AdamW: linear warm-up, cosine to zero
    fine_tuned_share: float = Field(1.0, gt=0, le=1)  # of the backbone's layers, from its end
    warmup_epochs: float = Field(0.5, ge=0)  # the first gradients are too large for the full rate
    weight_decay: float = Field(0.004, ge=0)  # of AdamW
    clip_norm: float = Field(1.0, gt=0)  # global norm of the gradients: limits one bad batch

    mixed_precision: bool = False  # float16 arithmetic: faster on a GPU, slower on a CPU

    @model_validator(mode="after")
    def _check_distillation(self) -> Self:
        if self.unlabeled is not None and not self.teachers:
            raise ValueError(
                "unlabeled pictures need a teacher. Pass a finished run with --teacher."
            )
        if self.teachers and not self.epochs:
            raise ValueError(
                "teachers are used while all layers are trained. Use --epochs 1 or more."
            )
        return self

    @property
    def working_size(self) -> int:
        """Pixels per side inside the network, after upscaling."""
        return round(self.image_size * self.upscale)

    @property
    def pretrained(self) -> bool:
        """True if training starts from pretrained weights."""
        return self.weights != "none"


def read_config(path: Path) -> TrainingConfig:
    """Read a configuration, such as the `config.json` of a run.

    Raises:
        RunError: the file is missing or not a configuration.
    """
    try:
        return TrainingConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot read the configuration: {error.strerror}.") from error
    except ValueError as error:
        raise RunError(f"{path} is not a training configuration: {error}") from error
