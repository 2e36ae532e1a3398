"""Train, convert and classify as TensorFlow's tutorials do: `tutorial.py DATA WEIGHTS EPOCHS`.

DATA has the folders `train` and `valid`. The tutorials are "Transfer learning and fine-tuning" and
"Post-training integer quantization": MobileNetV2 at 160 pixels, EPOCHS of a dense layer on the
frozen network, and EPOCHS more of all layers from the hundredth on. Prints JSON.
"""

import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

SIZE, FIRST_TUNED = (160, 160), 100
data, weights, epochs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
seconds = {}


def pictures(part, **options):
    return keras.utils.image_dataset_from_directory(
        data / part, image_size=SIZE, batch_size=32, label_mode="int", verbose=False, **options
    ).prefetch(tf.data.AUTOTUNE)


class Timed:
    """Store the duration of a stage."""

    def __init__(self, stage):
        self.stage = stage

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        seconds[f"{self.stage}_s"] = time.perf_counter() - self.start


with Timed("training"):
    train, valid = pictures("train", seed=0), pictures("valid", shuffle=False)
    base = keras.applications.MobileNetV2((*SIZE, 3), include_top=False, weights=weights)
    base.trainable = False
    inputs = keras.Input((*SIZE, 3))
    outputs = keras.layers.RandomFlip("horizontal", seed=0)(inputs)
    outputs = keras.layers.RandomRotation(0.2, seed=0)(outputs)
    outputs = keras.layers.Rescaling(1 / 127.5, offset=-1)(outputs)
    outputs = base(outputs, training=False)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = keras.layers.Dropout(0.2, seed=0)(outputs)
    classes = len(list((data / "train").iterdir()))
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(outputs))
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(1e-4), loss, metrics=["accuracy"])
    model.fit(train, epochs=epochs, validation_data=valid, verbose=0)
    base.trainable = True
    for layer in base.layers[:FIRST_TUNED]:
        layer.trainable = False
    model.compile(keras.optimizers.RMSprop(1e-5), loss, metrics=["accuracy"])
    model.fit(train, epochs=2 * epochs, initial_epoch=epochs, validation_data=valid, verbose=0)

with Timed("conversion"):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [picture[np.newaxis]] for batch, _ in train.take(3) for picture in batch.numpy()
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    converted = converter.convert()


def classified(predict):
    """Read and classify the pictures one by one. Returns the share that is right."""
    names = sorted(path.name for path in (data / "valid").iterdir())
    right = []
    for path in sorted((data / "valid").glob("*/*")):
        picture = keras.utils.img_to_array(keras.utils.load_img(path, target_size=SIZE))
        right.append(names[int(predict(picture[np.newaxis]).argmax())] == path.parent.name)
    return sum(right) / len(right)


interpreter = tf.lite.Interpreter(model_content=converted)
interpreter.allocate_tensors()


def lite(batch):
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], batch.astype(np.uint8))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


with Timed("classification"):
    lite_accuracy = classified(lite)
with Timed("keras_classification"):
    keras_accuracy = classified(lambda batch: model.predict(batch, verbose=0))
print(
    json.dumps(
        {
            **seconds,
            "keras_accuracy": keras_accuracy,
            "accuracy": lite_accuracy,
            "model_mb": len(converted) / 1e6,
        }
    )
)
