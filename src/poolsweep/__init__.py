"""Which way of pooling a BERT encoder is best for your texts, and is the difference real?"""

__version__ = "0.1.0"
