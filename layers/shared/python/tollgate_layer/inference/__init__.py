"""Request, invocation, completion: what the deployed functions do between a client and its model."""
