"""``ner benchmark``, and the text that it measures with."""
