"""Forecasts against the truth: on random sites each class gets what was said of it days before.

| module | content |
|---|---|
| `days` | a site and its classes, all drawn from a number |
| `site` | their rows |
| `play` | makes the forecast, lets the days pass with VCL's back end, and compares |
"""
