"""One module per engine; ``pyoutcome.evidence.engine.open_engine`` opens them by name."""
