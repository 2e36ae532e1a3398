"""Parts of the model card about thresholds: confident predictions and unknown pictures."""

import numpy as np

from convert.limits import Flags
from lambda_api.manifest import Manifest
from training.calibration import Floats, Labels


def guarantee(manifest: Manifest) -> str:
    """One sentence: which accuracy confident predictions have at least."""
    confidence = manifest.confidence
    if confidence is None:
        return ""
    limit, target = confidence.guaranteed_accuracy, confidence.target_accuracy
    if limit < target:
        return (
            f"The target is an accuracy of {target:.1%}. The validation pictures are too few to "
            f"guarantee it: they guarantee {limit:.1%}, with a probability of "
            f"{confidence.confidence_level:.0%}."
        )
    return (
        f"At least {limit:.1%} of such predictions are correct on pictures like the validation "
        f"pictures, with a probability of {confidence.confidence_level:.0%} (Learn then Test, "
        "Angelopoulos et al. 2021)."
    )


def unknown_section(manifest: Manifest, probabilities: Floats, labels: Labels, known: Flags) -> str:
    """Section of the model card.

    Args:
        manifest: manifest of the bundle.
        probabilities: (pictures, classes), of the evaluated pictures.
        labels: (pictures,), class indices.
        known: bool (pictures,), whether they are accepted.
    """
    section = manifest.known
    if section is None:
        return ""
    limit = f"{section.guaranteed_acceptance:.1%}"
    few = (
        ""
        if section.guaranteed_acceptance >= section.acceptance
        else f" The validation pictures are too few to guarantee the target of {section.acceptance:.0%}."
    )
    correct = probabilities.argmax(axis=1) == labels
    rows = "".join(
        f"| {name} | {int(mine.sum())} | {int((mine & ~known).sum())} | {int((mine & ~known & correct).sum())} |\n"
        for index, name in enumerate(manifest.classes)
        if (mine := np.equal(labels, index)).any()
    )
    measure = (
        "\nTo measure the detector on pictures that show none of the classes:\n\n"
        f"    python -m convert evaluate models/{manifest.name} DATA/test --others FOLDER\n"
        if manifest.evaluation.pictures == "test"
        else ""
    )
    return f"""## Unknown pictures
A picture is `known` if its pooled features are close to those of the training pictures: the part outside their
principal directions has a norm of at most {section.threshold:.4f} (residual of ViM, Wang et al. 2022). The
threshold was chosen on the {section.pictures:,} validation pictures, to accept {section.acceptance:.0%} of new pictures of these
classes. At least {limit} are accepted, with a probability of {section.confidence_level:.0%}.{few}

A picture that resembles the classes is accepted although it shows none of them. Some unusual pictures of the classes are
rejected.
{measure}
Of the {manifest.evaluation.pictures} pictures, {int((~known).sum())} of {len(known)} are rejected:

| class | pictures | rejected | of these, label correct |
|---|---|---|---|
{rows}"""
