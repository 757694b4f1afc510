"""Runs LocalStack without Docker, and implements parts of CloudFormation that it accepts but ignores."""
