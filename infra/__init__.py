"""What stands in AWS, as a CDK app: `cdk deploy`, or `make deploy`."""
