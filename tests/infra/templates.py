"""Look-ups in templates."""

from typing import Any

from aws_cdk.assertions import Template


def properties(template: Template, kind: str) -> list[dict[str, Any]]:
    """Properties of the resources of one type."""
    return [resource.get("Properties", {}) for resource in template.find_resources(kind).values()]


def the_function(template: Template) -> dict[str, Any]:
    """Properties of the service's function."""
    (found,) = (
        function
        for function in properties(template, "AWS::Lambda::Function")
        if function.get("PackageType") == "Image"
    )
    return found
