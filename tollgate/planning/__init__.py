"""What a load would cost and how it would be served: traces, a fast simulation of model copies, policies, money."""
