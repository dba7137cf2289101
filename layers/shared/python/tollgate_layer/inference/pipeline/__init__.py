"""The way of a request, on two pages; docs/tour.md follows one real request along it.

    before_model.py    IncomingRequest → read → Request → converse → Conversation → prepare → Invocation, CompletionSpec
    (the model)        Step Functions invokes it on the step path, the streaming function itself on the other
    after_model.py     answer, CompletionSpec → complete → Completion → Response

Two pages and not one, because Postprocess starts without what the first one needs (docs/decisions/0100).
"""
