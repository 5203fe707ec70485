"""How tests make a study from Python."""

CHOICES = {
    "text": "review", "label": "stars", "pooling": ["cls", "masked_mean"], "seeds": 2, "encoder": "tiny",
    "frozen": True, "study": "reviews", "progress": False,
}  # fmt: skip
