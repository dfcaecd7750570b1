"""The intermediate form as queries, in any engine's dialect."""
