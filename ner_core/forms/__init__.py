"""Names that the form of a text shows, whatever the model knows: authors, addresses, companies and others."""
