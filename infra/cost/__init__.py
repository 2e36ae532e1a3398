"""Cost of the stack per month, compared with SageMaker Serverless and Fargate."""
