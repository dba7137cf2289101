"""Releases as commands see them: started, followed, and their artifacts uploaded."""
