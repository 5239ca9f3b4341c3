"""Limits on what Gradio keeps of each session."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio.state_holder
from gradio.components import State
from gradio.state_holder import SessionState

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["SESSIONS", "forget_finished", "keep_little"]

#: Sessions that Gradio remembers; the one that was used least recently is forgotten first.
SESSIONS = 1000


class _SmallSession(SessionState):
    """A session without a copy of the page's configuration.

    Gradio makes one (85 KB and 3 ms of a processor here) for every session, which is every call of its HTTP
    API, to restore the session from a deep link. This page does not use them.
    """

    def __init__(self, blocks: Any) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))  # type: ignore[arg-type]

    def __setitem__(self, key: int, value: Any) -> None:
        """Store a component as it was updated for this session."""
        if isinstance(self.blocks_config.blocks.get(key), State):
            super().__setitem__(key, value)
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Copy nothing; the session's own components are kept beside the configuration."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Copy nothing: no deep link will ask for the value."""


def keep_little(demo: gr.Blocks) -> None:
    """Keep small sessions and no statistics of calls, and rest, on a page that is about to start.

    The statistics are for Gradio's monitoring, which this page does not offer; after each call Gradio goes
    through those of the last 10,000. Where nobody calls, Gradio looks a thousand times a second whether
    somebody does, except on Windows: 8 % of a processor.
    """
    gradio.state_holder.SessionState = _SmallSession  # type: ignore[misc]
    queue = demo._queue  # noqa: SLF001 - Gradio has no other way
    queue.ANALYTICS_MAX_EVENTS = 1
    queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    queue.sleep_when_free, queue.progress_update_sleep_when_free = 0.02, 0.1  # seconds


def forget_finished(queue: Any) -> None:
    """Forget sessions whose calls are all finished, once there are many; Gradio keeps them forever.

    To be called in the thread of the event loop. A session that calls again is simply new.

    Parameters
    ----------
    queue : gradio.queueing.Queue
        Of the page.
    """
    calls, messages = queue.pending_event_ids_session, queue.pending_messages_per_session
    if len(calls) <= SESSIONS:
        return
    for session in list(calls):
        # Results that nobody fetched are lost when Gradio drops their messages, which it does by itself.
        if not calls[session] or not (
            session in messages or calls[session] & queue.event_ids_to_events.keys()
        ):
            del calls[session]
            messages.pop(session, None)
