"""One module per engine; ``pyoutcome.evidence.engines.opening.open_engine`` opens them by name."""
