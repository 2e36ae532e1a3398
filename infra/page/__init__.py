"""The Streamlit page on Fargate behind CloudFront, a stack of its own: `-c frontend=true`."""
