"""A reservation fails, be it a reload or a user's: its computer is removed from all blocks."""

from simulation.back_end import states
from simulation.back_end.events import What
from simulation.back_end.rows import Task
from simulation.back_end.site import Site


def reservation_failed(site: Site, task: Task, computer_state: int = states.FAILED) -> None:
    """Fail a reservation; its computer gets `computer_state`, and is removed from all block times."""
    if site.rows.is_deleted(task.request):
        if site.rows.computer_state(task.computer) != states.MAINTENANCE:
            site.rows.set_computer(task.computer, states.AVAILABLE)
        return
    site.parts[task.id] = "failed"
    site.rows.log_load(task, "failed", site.now)
    site.note(What.RESERVATION_FAILED, task)
    block_times = site.rows.block_times_of(task.computer)
    if block_times:
        site.rows.remove_from_blocks(task.computer)
    for block_time in block_times:
        site.note(What.REMOVED_FROM_BLOCKS, task, block_time=block_time)
    site.rows.set_computer(task.computer, computer_state)
    if task.is_parent:
        site.rows.change_request(task.request, states.FAILED, task.state)
