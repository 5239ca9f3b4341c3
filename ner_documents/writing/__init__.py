"""Writers of annotated documents, one module per family of formats."""
