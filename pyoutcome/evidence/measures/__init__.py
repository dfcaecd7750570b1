"""From the text of a measure to the one intermediate form of it, free of any engine."""
