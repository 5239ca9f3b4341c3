"""Side-by-side measurements against what people use instead; scripts, not tests. See README.md."""
