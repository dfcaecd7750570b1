"""What a supplier signs about one period: its file, where it is kept."""
