"""A Lambda handler with ONNX Runtime, without a framework. NETWORK is the network's file."""

import base64
import json
import os

import numpy as np
import onnxruntime
from scenes import MANIFEST, answer, pixels

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # as the other handlers
session = onnxruntime.InferenceSession(
    os.environ["NETWORK"], options, providers=["CPUExecutionProvider"]
)
source = session.get_inputs()[0].name


def handler(event, context):
    batch = pixels(base64.b64decode(event["body"]))[np.newaxis]
    outputs = session.run(None, {source: batch})
    (logits,) = [output[0] for output in outputs if output.shape[1] == len(MANIFEST["classes"])]
    return {"statusCode": 200, "body": json.dumps(answer(logits))}
