"""One module per engine; ``pyoutcome.evidence.engines.engine.open_engine`` opens them by name."""
