"""Bytes from where they are published to disk: resumable, verified, atomic."""
