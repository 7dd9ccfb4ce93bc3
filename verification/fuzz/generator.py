"""Makes the requests: number n of a seed is always the same one, whatever was made before."""

from dataclasses import replace
from random import Random

from verification.fuzz import documents, envelopes
from verification.fuzz.calls import nearly_right_call, right_call
from verification.fuzz.request import FuzzRequest

MOST_BYTES = 65536  # VCL_MAX_BODY_BYTES, as it comes

# How often each kind is made. Most are good enough to get to the service itself.
_RECIPES = {
    "right": 26, "nearly right": 30, "mutated": 18, "bad sign-in": 6, "bad envelope": 12, "all bad": 5, "costly": 2,
    "padded": 1,
}  # fmt: skip


def request(seed: int, number: int) -> FuzzRequest:
    """Request `number` of the run with this seed."""
    rng = Random(f"{seed}:{number}")
    (recipe,) = rng.choices(list(_RECIPES), weights=list(_RECIPES.values()))
    made = envelopes.orderly(rng, _body(rng, recipe))
    if recipe == "bad sign-in":
        made = envelopes.signed_in_badly(rng, made, number)
    if recipe in ("bad envelope", "all bad"):
        made = envelopes.spoiled(rng, made, number)
    return replace(made, recipe=recipe)


def _body(rng: Random, recipe: str) -> bytes:
    if recipe == "mutated" or recipe == "all bad":
        return documents.mutated(rng, nearly_right_call(rng))
    if recipe == "costly":
        return documents.costly(rng, MOST_BYTES)
    if recipe == "padded":
        return documents.padded(rng, right_call(rng), MOST_BYTES)
    return documents.encoded(rng, nearly_right_call(rng) if recipe == "nearly right" else right_call(rng))
