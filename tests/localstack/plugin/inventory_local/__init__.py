"""LocalStack without Docker, and with the parts of CloudFormation that it accepts but does not do."""
