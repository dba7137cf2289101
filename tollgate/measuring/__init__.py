"""Measures a model's answers under load: what they take, how many there are, what they cost."""
