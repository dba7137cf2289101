"""What Tollgate's functions share: `prompt_format` (messages to prompt) and `inference` (request to completion)."""
