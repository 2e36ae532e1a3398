"""The life of a deployment: real commands, images and pictures against an emulated AWS.

The tests are in the order of the story; each fixture takes it a step further.
"""

import json
import time

import pytest

from lambda_api.classifier import Classifier

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def credentials(service):
    t = time.time()
    p = service.shell(service.outputs["PasswordCommand"])
    print("PW", time.time() - t)
    return service.outputs["Username"], p


def test_an_uploaded_picture_is_answered(service, credentials, photo, bundle):
    print(service.outputs)
    answer = service.request("POST", "/predict", files={"file": photo}, auth=credentials)
    print(answer.text, answer.headers)
    assert answer.status_code == 200
    assert answer.json()["label"] == Classifier(bundle).classify(photo).label


def test_curl(service, photo, tmp_path):
    (tmp_path / "picture.jpg").write_bytes(photo)
    print(service.shell(service.outputs["CurlCommand"], tmp_path))


def test_upload(service, photo, credentials):
    import requests

    r = service.request("POST", "/uploads", json={"content_type": "image/jpeg"}, auth=credentials)
    print(r.text)
    f = r.json()
    r = requests.post(f["url"], data=f["fields"], files={"file": photo})
    print(r.status_code, r.text)
    r = service.request("POST", "/predict", json={"key": f["key"]}, auth=credentials)
    print(r.text)


def test_logs(service):
    print(
        service.shell(
            f"aws logs filter-log-events --log-group-name {service.outputs['LogGroupName']}"
        )[:6000]
    )
    print(service.shell(f"aws logs describe-log-groups"))


def test_diff(service, checkout):
    t = time.time()
    print(checkout.make("diff", "", canary="false"))
    print("DIFF", time.time() - t)


def test_destroy(service, checkout, engine):
    t = time.time()
    print(checkout.make("destroy", "--force", canary="false"))
    print("DESTROY", time.time() - t)
    print(service.shell("aws s3 ls; aws cloudformation list-stacks --output text; aws lambda list-functions;aws logs describe-log-groups; aws secretsmanager list-secrets; aws ecr describe-repositories"))
    print(engine("ps", "-a"))
    print(service.emulator.log.read_text()[-5000:])
