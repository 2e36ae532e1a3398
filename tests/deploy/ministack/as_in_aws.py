"""Corrections of ministack, where it differs from AWS in ways that affect a deployment."""

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json
from ministack.services import ecr, lambda_svc, s3
from ministack.services.cloudformation import provisioners


def patch_ministack() -> None:
    """Replace functions of ministack with those below."""
    ecr._describe_images = describe_images_or_fail
    iam_evaluator.enforce = enforce_but_for_cdk
    app.pin_request_origin = pin_request_over_tls
    provisioners._cw_metric_alarm_record = alarm_record_of_any
    lambda_svc._warm_pool_key = instances_of_a_version
    buckets = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    buckets.update(create=create_tagged_bucket, delete=delete_empty_bucket)
    secrets = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    secrets.update(create=create_secret, update=update_secret, delete=delete_secret)


_describe_images = ecr._describe_images
_enforce = iam_evaluator.enforce
_pin_request_origin = app.pin_request_origin
_alarm_record = provisioners._cw_metric_alarm_record
_pool_key = lambda_svc._warm_pool_key
_create_bucket = provisioners._s3_create
_delete_bucket = provisioners._s3_delete
_create_secret = provisioners._sm_secret_create
_update_secret = provisioners._sm_secret_update
_delete_secret = provisioners._sm_secret_delete


def describe_images_or_fail(data) -> object:
    """Return an error for an unknown tag instead of an empty list.

    From an empty list, the CDK command line concludes that the image is already published.
    """
    repository = data.get("repositoryName", "")
    if any(ecr._find_image(repository, image) is None for image in data.get("imageIds", [])):
        return error_response_json("ImageNotFoundException", "there is no such image", 400)
    return _describe_images(data)


def enforce_but_for_cdk(*arguments, **options) -> object:
    """Enforce policies, but not those of CDK's bootstrap, which the emulator evaluates wrongly.

    It denies the role that publishes images `ecr:DescribeRepositories`.
    """
    denied = _enforce(*arguments, **options)
    is_cdk = ":assumed-role/cdk-" in (getattr(denied, "principal_arn", None) or "")
    return None if is_cdk else denied


def pin_request_over_tls(address, is_tls) -> None:
    """Treat requests as encrypted: bucket policies deny others, and the emulator has no TLS."""
    _pin_request_origin(address, True)


def alarm_record_of_any(name, properties) -> object:
    """Accept alarms on metric math. They are stored as alarms on a metric without data."""
    if properties.get("Metrics"):
        without_data = {"MetricName": "metric-math", "Namespace": "not-emulated", "Metrics": None}
        properties = {**properties, **without_data}
    return _alarm_record(name, properties)


def instances_of_a_version(function, configuration) -> str:
    """Give each version of a function its own instances, even if versions share an image."""
    return f"{_pool_key(function, configuration)}:{configuration['Version']}"


def create_tagged_bucket(logical_id, properties, stack_name) -> object:
    """Set the tags of the template on the bucket. CDK only empties buckets that have its tag."""
    name, attributes = _create_bucket(logical_id, properties, stack_name)
    s3._bucket_tags[name] = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    return name, attributes


def delete_empty_bucket(name, properties) -> None:
    """Reject the deletion of a bucket with objects."""
    if s3._buckets[name]["objects"]:
        raise ValueError(f"BucketNotEmpty: {name}")
    _delete_bucket(name, properties)


def create_secret(logical_id, properties, stack_name) -> object:
    """Let `Ref` return the ARN of a secret, which policies name, instead of its name."""
    _, attributes = _create_secret(logical_id, properties, stack_name)
    return attributes["Arn"], attributes


def update_secret(arn, *arguments, **options) -> object:
    """Update a secret that `create_secret` has created."""
    _, attributes = _update_secret(_name_of_secret(arn), *arguments, **options)
    return attributes["Arn"], attributes


def delete_secret(arn, properties) -> None:
    """Delete a secret that `create_secret` has created."""
    _delete_secret(_name_of_secret(arn), properties)


def _name_of_secret(arn) -> str:
    return arn.partition(":secret:")[2].rpartition("-")[0]
