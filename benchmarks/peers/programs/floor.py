"""The least time of a network: its multiply-accumulates at the speed of the fastest int8 layer.

`floor.py MODEL.tflite INFERENCES` prints both. The layers are 1x1 convolutions of several widths,
run by the kernels of TensorFlow Lite on one thread.
"""

import json
import math
import sys
import time

import numpy as np
import tensorflow as tf

SIDE = 32  # pixels
WIDTHS = (128, 256, 512)  # channels


def multiply_accumulates(model):
    """Count those of convolutions and dense layers."""
    interpreter = tf.lite.Interpreter(
        model, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF
    )  # no delegate, which would replace the layers
    interpreter.allocate_tensors()
    shapes = {x["index"]: x["shape"] for x in interpreter.get_tensor_details()}
    total = 0
    for layer in interpreter._get_ops_details():
        if layer["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights, output = shapes[layer["inputs"][1]], shapes[layer["outputs"][0]]
            # Weights of a depthwise convolution: 1, height, width, channels.
            depthwise = layer["op_name"] == "DEPTHWISE_CONV_2D"
            total += math.prod(output) * math.prod(weights[1:3] if depthwise else weights[1:])
    return int(total)


def layer(width):
    """Convert an int8 layer from `width` to `width` channels."""
    network = tf.keras.Sequential(
        [tf.keras.Input((SIDE, SIDE, width), batch_size=1), tf.keras.layers.Conv2D(width, 1)]
    )
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    random = np.random.default_rng(0)
    converter.representative_dataset = lambda: (
        [random.random((1, SIDE, SIDE, width), np.float32)] for _ in range(3)
    )
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def seconds(model, inferences):
    interpreter = tf.lite.Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    times = []
    for _ in range(inferences):
        before = time.process_time()
        interpreter.invoke()
        times.append(time.process_time() - before)
    return sorted(times)[len(times) // 2]


count = multiply_accumulates(sys.argv[1])
fastest = max(SIDE**2 * width**2 / seconds(layer(width), int(sys.argv[2])) for width in WIDTHS)
print(json.dumps({"mac": count, "mac_per_s": fastest}))
