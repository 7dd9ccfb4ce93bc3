"""A block time, a decision record and readiness in the words in which people read them."""
