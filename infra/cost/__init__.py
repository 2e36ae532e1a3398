"""What the stack costs a month, beside SageMaker Serverless and a task that is always on."""
