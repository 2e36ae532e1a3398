"""Every choice of a training run, in one place. A run folder holds the one it was made by."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
Preset = Literal["none", "light", "default", "strong"]


class TrainingConfig(BaseModel):
    """Hyper-parameters of a run. The recipe of the model that ships is in `training/recipes/`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The network.
    architecture: Architecture = "mobilenet_v2"
    weights: str = "imagenet"  # "imagenet", "none" or a file of ImageNet weights, without the top
    alpha: float = Field(1.0, gt=0)  # width of MobileNetV2; 0.35 is three times faster and weaker
    image_size: int = Field(150, ge=32)  # pixels a side; larger is slower by its square
    upscale: float = Field(1.0, ge=1)  # inside the network; nearer to what ImageNet taught; slower
    dense_units: int = Field(256, ge=1)  # between the pooled features and the classes
    dropout: float = Field(0.5, ge=0, lt=1)  # around the dense layer

    # The pictures.
    validation_fraction: float = Field(0.2, gt=0, lt=1)  # carved from train, never from test
    seed: int = 0  # of the split, the order, the augmentation and the dropout
    batch_size: int = Field(32, ge=1)  # of all devices together
    augmentation: Preset = "default"  # see training/augmentation.py
    flip: bool = True  # left to right; off where direction carries meaning (digits, signs)
    label_smoothing: float = Field(0.1, ge=0, lt=1)  # labels hold contradictions

    # What starts from nothing: the head on the frozen network, or all of it without weights.
    learning_rate: float = Field(1e-3, gt=0)  # of Adam; lowered where validation stands still
    head_epochs: int = Field(100, ge=1)  # seconds each: the features are computed once
    patience: int = Field(5, ge=1)  # epochs without a better validation loss before stopping

    # Then all layers. Small rates keep what ImageNet taught; 1e-4 already forgets.
    epochs: int = Field(5, ge=0)  # 0 keeps the frozen network and its head
    fine_tuning_rate: float = Field(6e-5, gt=0)  # peak, of AdamW: linear warm-up, cosine to zero
    fine_tuned_share: float = Field(1.0, gt=0, le=1)  # of the backbone's layers, from its end
    warmup_epochs: float = Field(0.5, ge=0)  # the first gradients would hurt at the full rate
    weight_decay: float = Field(0.004, ge=0)  # of AdamW
    clip_norm: float = Field(1.0, gt=0)  # of all gradients together; a bad batch moves no more

    mixed_precision: bool = False  # float16 arithmetic: twice as fast on a GPU, slower on a CPU

    @property
    def working_size(self) -> int:
        """Pixels a side at which the network works."""
        return round(self.image_size * self.upscale)

    @property
    def pretrained(self) -> bool:
        """Whether the network starts from weights that were trained before."""
        return self.weights != "none"


def read_config(path: Path) -> TrainingConfig:
    """The configuration of a file, as a run folder holds one.

    Raises:
        RunError: there is none, or it is not one.
    """
    try:
        return TrainingConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: the configuration cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise RunError(f"{path}: is not a configuration of training: {error}") from error
