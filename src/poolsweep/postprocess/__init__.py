"""What is done to a pooled vector before the head, fitted on the training split alone."""
