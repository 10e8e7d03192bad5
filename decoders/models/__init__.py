"""Models behind one interface (`base`), on native transformers classes (`hf`), listed in `catalogue`."""
