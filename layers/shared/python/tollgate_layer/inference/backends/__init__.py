"""The places where models run: one file per place, with the bodies that its models take and give."""
