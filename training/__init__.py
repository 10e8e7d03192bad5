"""The in-house models of the explorer: their corpus, tokenizer, training and evaluation."""
