"""The figures of a report, drawn by matplotlib; each file gives one kind."""
