"""Keeping a model warm: schedules that ask it for one token, and what that costs."""
