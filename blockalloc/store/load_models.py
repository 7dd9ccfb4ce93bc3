"""Load models of images, from the loads that VCL's log knows of."""

from collections.abc import Mapping

from blockalloc.store import loads
from scheduling.load_time.history import History, LoadGroup, PastLoads
from scheduling.load_time.learning import learned
from scheduling.load_time.model import LoadModel


def models(images: Mapping[int, tuple[int, int]], now: int) -> dict[int, LoadModel]:
    """Image -> its load model; the images come as image -> (production revision, `reloadtime` in minutes)."""
    lengths = loads.lengths(images, now)
    return {
        image: learned(History(image=PastLoads(logged=[LoadGroup(*each) for each in lengths[image]])), minutes)
        for image, (_, minutes) in images.items()
    }


def model(image_id: int, revision_id: int, reload_minutes: int, now: int) -> LoadModel:
    """The load model of one image."""
    return models({image_id: (revision_id, reload_minutes)}, now)[image_id]
