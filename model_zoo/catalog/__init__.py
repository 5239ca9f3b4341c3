"""What the zoo knows about models: model.yml files, and the folders where models lie."""
