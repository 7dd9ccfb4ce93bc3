"""The page "This week": seven columns of classes, and how much of the computers they want."""
