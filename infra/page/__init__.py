"""Stack of the Streamlit page on Fargate behind CloudFront, added with `-c frontend=true`."""
