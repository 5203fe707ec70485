"""From the pooled vector to logits."""
