"""Moving every period from records to settled, exactly once."""
