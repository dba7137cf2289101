"""DynamoDB and Bedrock over HTTP: the two operations that the streaming path calls, without an SDK."""
