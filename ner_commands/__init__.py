"""The commands of ``ner``, one module each; ``cli`` assembles them."""
