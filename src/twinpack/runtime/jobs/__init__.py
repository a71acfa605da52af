"""Durable jobs: what is done now and then, by schedule, by event or when asked for.

A job is a row of steps. What a step gave is kept in the jobs' database before the next one begins: a process that is
killed goes on with the step it was in, and repeats none that was finished. Steps may be repeated without harm.

`Jobs` lists, starts, retries and cancels, from any process. `JobRunner` does the work, in one process a workspace.
"""

from __future__ import annotations

from twinpack.runtime.jobs.queue import Jobs as Jobs
from twinpack.runtime.jobs.runner import JobRunner as JobRunner
