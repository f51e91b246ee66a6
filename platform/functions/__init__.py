"""Entry points of the AWS Lambda functions."""
