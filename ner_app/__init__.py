"""The browser page: one file a tab, and what the tabs share; no NER logic."""
