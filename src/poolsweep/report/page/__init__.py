"""The page of a report: its template, style and the script of its tables."""
