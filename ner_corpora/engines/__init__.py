"""What annotates the chunks of a corpus: this process, or a Ray cluster."""
