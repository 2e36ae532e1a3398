"""Every choice of a training run, in one place. A run folder holds the one it was made by."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingConfig(BaseModel):
    """Hyper-parameters of a run.

    With the defaults MobileNetV2 learns the Intel scenes (8,741 training pictures of 150x150) in
    twenty minutes on two cores, to 0.934 on validation. The head alone takes two of them (0.919).
    Enlarging the pictures to 192, nearer to the size that ImageNet's weights know, is worth half a
    point to a point (0.911 to 0.919 for the head, 0.929 to 0.934 for all layers).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["mobilenet_v2", "custom_cnn"] = "mobilenet_v2"
    weights: str = "imagenet"  # "imagenet", "none" or a .weights.h5 file without the top
    alpha: float = Field(1.0, gt=0)  # width of MobileNetV2; 0.35 is three times faster and weaker
    image_size: int = Field(150, ge=32)  # pixels a side; larger is slower by its square
    upscale: float = Field(1.28, ge=1)  # inside the network: 150 to 192; slower by its square
    validation_fraction: float = Field(0.2, gt=0, lt=1)  # carved from train, never from test
    seed: int = 0  # of the split, the order, the augmentation and the dropout

    # Fine-tuning of all layers. Small rates keep what ImageNet taught; 1e-4 already forgets.
    batch_size: int = Field(32, ge=1)
    epochs: int = Field(5, ge=0)  # 0 keeps the frozen network and trains the head alone
    learning_rate: float = Field(6e-5, gt=0)  # peak, of AdamW: linear warm-up, cosine to zero
    warmup_epochs: float = Field(0.5, ge=0)  # the first gradients would hurt at the full rate
    label_smoothing: float = Field(0.1, ge=0, lt=1)  # the labels hold contradictions
    dropout: float = Field(0.2, ge=0, lt=1)  # before the last layer
    patience: int = Field(5, ge=1)  # epochs without a better validation loss before stopping

    # Augmentation, each a share of the side.
    flip: bool = True  # left to right; off where direction carries meaning (digits, signs)
    shift: float = Field(0.1, ge=0, lt=1)
    zoom_out: float = Field(0.1, ge=0, lt=1)
    zoom_in: float = Field(0.2, ge=0, lt=1)

    @property
    def working_size(self) -> int:
        """Pixels a side at which the network works."""
        return round(self.image_size * self.upscale)

    @property
    def pretrained(self) -> bool:
        """Whether the network starts from weights that were trained before."""
        return self.weights != "none"
