"""Every failure has one answer: the table of errors, and the names under which AWS reports its own."""
