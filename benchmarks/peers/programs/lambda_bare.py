"""A Lambda handler without a framework."""

import base64
import json

from scenes import Scenes

scenes = Scenes()


def handler(event, context):
    answer = scenes.predict(base64.b64decode(event["body"]))
    return {"statusCode": 200, "body": json.dumps(answer)}
