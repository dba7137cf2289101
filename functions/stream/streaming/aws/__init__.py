"""DynamoDB and Bedrock over HTTP, without an SDK (decision 60): only the operations that the streaming path calls.

bedrock, dynamodb               one operation each, or two
  service, signature            signed requests, and the names of errors
    http_client, http_response  HTTP/1.1
      connections               TCP and TLS
  event_stream                  the frames in which Bedrock streams
"""
