"""The demonstration shop: real purchases of made-up customers, and visits of theirs."""
