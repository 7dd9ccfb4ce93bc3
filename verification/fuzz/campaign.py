"""A run: sends requests, judges the answers, and counts."""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from verification.fuzz import generator, rows, site
from verification.fuzz.door import Answer, Door
from verification.fuzz.judge import Broken, Verdict, judge
from verification.fuzz.request import FuzzRequest
from verification.fuzz.rows import Digest, Everything
from verification.fuzz.tally import MOST_BROKEN, Say, Tally
from verification.fuzz.wording import CODES

SITE_LASTS = 200  # requests, until its rows are replaced; by then computers are scarce
WARM_UP = 0.05  # of the requests; then caches are full and memory counts


class Campaign:
    """Requests `0` to `requests` of a seed, one after the other, on a site that is made anew now and then.

    A request that breaks a promise goes into `directory`, with those before it that wrote rows.
    """

    _front_end_behind = False
    _wanted = CODES
    _most_growth = 6.0  # MB between the first quarter and the end

    def __init__(self, seed: int, requests: int, directory: Path, say: Say = lambda text: None) -> None:
        self._requests = requests
        self._directory = directory
        self._say = say
        self._door = Door()
        self._tally = Tally(seed, self._wanted)
        self._live_node = True
        self._site: Everything | None = None
        self._digest: rows.Digest = {}
        self._wrote: list[FuzzRequest] = []  # on the site as it is now; what is saved with a bad one

    def run(self) -> Tally:
        """Send them all, or until too many promises are broken."""
        tally, begun = self._tally, time.perf_counter()
        marks = self._marks()
        with self._open():
            for number in range(self._requests):
                if number % SITE_LASTS == 0:
                    self._new_site(live_node=number // SITE_LASTS % 8 != 7)
                self._one(number, self._request(number))
                if number + 1 in marks:
                    tally.memory.append(_resident())
                    self._say(f"{number + 1} requests, {tally.memory[-1]:.1f} MB, {len(tally.broken)} promises broken")
                if len(tally.broken) >= MOST_BROKEN:
                    break
            self._check_all_rows(tally.sent)
        tally.seconds = time.perf_counter() - begun
        if not tally.broken:
            self._at_the_end()
        return tally

    def replay(self, saved: dict[str, Any]) -> Tally:
        """Send the requests of a saved file."""
        with self._open():
            self._new_site(live_node=saved["live_node"])
            for number, request in enumerate([*saved["before"], saved["request"]]):
                self._one(number, FuzzRequest.from_json(request))
        return self._tally

    @contextmanager
    def _open(self) -> Iterator[None]:
        with self._door.open():
            yield

    def _request(self, number: int) -> FuzzRequest:
        return generator.request(self._tally.seed, number)

    def _verdict(self, request: FuzzRequest, answer: Answer, before: Digest) -> Verdict:
        return judge(request, answer, before, self._digest)

    def _marks(self) -> set[int]:
        return {int(self._requests * WARM_UP), *(self._requests * quarter // 4 for quarter in (1, 2, 3, 4))}

    def _new_site(self, *, live_node: bool) -> None:
        self._check_all_rows(self._tally.sent)
        self._live_node = live_node
        site.load(live_node=live_node)
        self._site, self._digest, self._wrote = Everything.read(), rows.digest(), []

    def _check_all_rows(self, number: int) -> None:
        if self._site is not None and (damage := self._site.damage(Everything.read())):
            self._note(number, None, Broken("; ".join(damage)))

    def _one(self, number: int, request: FuzzRequest) -> None:
        answer = self._door.send(request)
        before, self._digest = self._digest, rows.digest()
        tally = self._tally
        tally.sent += 1
        if number:  # the first one loads modules
            tally.slowest = max(tally.slowest, (answer.seconds, number))
        try:
            verdict = self._verdict(request, answer, before)
        except Broken as broken:
            tally.kinds[f"HTTP {answer.status}" if answer.status != 200 else "promise broken"] += 1
            tally.stray += sum(abs(more) for more in rows.added(before, self._digest).values())
            self._note(number, request, broken)
            return
        tally.kinds[verdict.kind] += 1
        if verdict.refusal is not None:
            tally.codes[verdict.refusal] += 1
        if verdict.wrote:
            tally.wrote += 1
            tally.rows.update(rows.added(before, self._digest))
            self._wrote.append(request)

    def _note(self, number: int, request: FuzzRequest | None, broken: Broken) -> None:
        """Record the broken promise, and save how to repeat it."""
        text = f"request {number}" + (f" ({request.recipe})" if request else "") + f": {broken}"
        if request is not None:
            saved = {
                "seed": self._tally.seed,
                "number": number,
                "broken": str(broken),
                "front_end": self._front_end_behind,
                "live_node": self._live_node,
                "before": [earlier.as_json() for earlier in self._wrote],
                "request": request.as_json(),
            }
            path = self._directory / f"fuzz-{self._tally.seed}-{number}.json"
            path.write_text(json.dumps(saved, indent=1))
            text += f"\n  repeat it: python -m verification.fuzz --replay {path}"
        self._tally.broken.append(text)
        self._say(text)

    def _at_the_end(self) -> None:
        """Promises about the run as a whole."""
        if self._tally.missing and self._requests >= 3000:
            self._note(self._requests, None, Broken(f"codes that no request reached: {self._tally.missing}"))
        growth = self._tally.memory[-1] - self._tally.memory[-4]
        if growth > self._most_growth:
            self._note(self._requests, None, Broken(f"memory grew by {growth:.1f} MB after the first quarter"))


def _resident() -> float:
    """Memory of this process in MB."""
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError("/proc/self/status has no VmRSS")
