"""What differs between tasks; nothing here imports torch before a model is made."""

from poolsweep.tasks.classification import Classification
from poolsweep.tasks.task import Task

__all__ = ["TASKS", "Classification", "Task"]

TASKS: dict[str, Task] = {task.name: task for task in (Classification(),)}  # a task of its own joins here
