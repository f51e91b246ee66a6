"""Builds the AWS Lambda functions' zips reproducibly: the same sources give the same bytes on every machine."""
