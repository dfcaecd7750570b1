"""The whole agreement as Markdown, HTML, DOCX or PDF, made from the agreement file alone."""
