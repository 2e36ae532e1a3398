"""Command of `python -m training` for pretrained weights."""

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add `weights` to the subparsers of argparse."""
    weights = commands.add_parser(
        "weights", help="download and convert ImageNet weights of EfficientNet-Lite"
    )
    weights.add_argument(
        "architecture",
        nargs="?",
        choices=("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"),
        default="efficientnet_lite0",
        help="default: efficientnet_lite0",
    )
    weights.set_defaults(command=_weights)


def _weights(parsed: argparse.Namespace) -> int:
    from training.networks.efficientnet_lite_weights import efficientnet_lite_weights

    print(efficientnet_lite_weights(parsed.architecture))
    return 0
