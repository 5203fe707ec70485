"""From logits and labels to a number to minimise."""
