"""What the commands of ``ner`` do, one module each; ``cli`` puts them together."""
