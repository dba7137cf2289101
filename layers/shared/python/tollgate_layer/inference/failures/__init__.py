"""Every failure has one response: the table of errors, and the names under which AWS reports its own."""
