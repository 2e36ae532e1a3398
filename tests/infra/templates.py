"""What tests look for in a template."""

from typing import Any

from aws_cdk.assertions import Template


def properties(template: Template, kind: str) -> list[dict[str, Any]]:
    return [found.get("Properties", {}) for found in template.find_resources(kind).values()]


def the_function(template: Template) -> dict[str, Any]:
    (found,) = (
        function
        for function in properties(template, "AWS::Lambda::Function")
        if function.get("PackageType") == "Image"
    )
    return found
