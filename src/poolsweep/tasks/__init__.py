"""What differs between tasks; nothing here imports torch."""
