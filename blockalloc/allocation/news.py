"""News that an allocation makes: machines are missing, or none is any more. Written with the allocation itself."""

from blockalloc.allocation.result import Result
from blockalloc.contract.messages import Caller
from blockalloc.store import news
from blockalloc.store.news import About, Item, Kept
from scheduling.news import tried
from scheduling.news.kinds import Kind
from scheduling.news.standing import Standing, View, step

_TRIES = 3  # a look may change what has been told between reading and writing


def make_news(result: Result, caller: Caller, decision_id: int, now: int) -> None:
    """Write what people are to be told of this result, in the transaction that writes the result itself.

    An allocation that is complete costs one statement, none for a block time that is new. Where what the class has is
    not what the result counts, the next look says what is news.
    """
    block, id_ = result.order.block, result.outcome.block_time_id
    if not id_ or block.end <= now:  # no rows were kept; the class is over
        return
    kept = news.kept(id_) if block.block_time_id else None
    if not result.outcome.unallocated and not (kept and kept.standing.short):
        return
    about = news.about([id_]).get(id_) if result.counts_all else None
    if about is None or (not result.outcome.unallocated and block.machines < about.machines):
        return
    for _ in range(_TRIES):
        before = kept or Kept(Standing(block.start))
        after, kind = step(before.standing, View(block.start, about.machines, result.outcome.allocated), now)
        if after == before.standing:
            return
        if news.change(id_, kept, after):
            if kind is not None:
                news.write([_item(kind, about, result, caller, decision_id, now)], now)
            return
        kept = news.kept(id_)


def _item(kind: Kind, about: About, result: Result, caller: Caller, decision_id: int, now: int) -> Item:
    order, outlook = result.order, result.plan.outlook
    before = tried.in_words(about.replaced, about.loaded_again, about.added)
    return Item(
        kind=kind,
        about=about,
        start=order.block.start,
        end=order.block.end,
        wanted=about.machines,
        usable=result.outcome.allocated,
        sureness=outlook.ready if outlook else None,
        since=now if kind.is_trouble else None,
        why=result.stopped_by(),
        tried="; ".join(filter(None, [result.changes() or result.taken(), before])),
        # Of a block that is new VCL's back end knows nothing.
        by_back_end=caller.is_back_end and bool(order.block.block_time_id),
        decision_id=decision_id,
    )
