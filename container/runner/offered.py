"""The tools of Claude Code's own: which an agent has, and which not."""

__all__ = ["OFFERED", "ONLINE", "SHADOWS"]

OFFERED = ("Agent", "Bash", "Edit", "NotebookEdit", "Read", "Skill", "TaskStop", "Write")
"""Of Claude Code's own tools, those that an agent has: a new version's are not among them."""
ONLINE = ("WebFetch", "WebSearch")
"""What works with a network alone."""
SHADOWS = (
    *("CronCreate", "CronDelete", "CronList", "Monitor", "ScheduleWakeup"),
    *("EnterWorktree", "ExitWorktree", "ListAgents", "ReportFindings", "SendMessage"),
    *("AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "RemoteTrigger", "Workflow"),
)
"""What ours do, and these only seem to: a reminder of CronCreate is gone with the container, and
SendMessage reaches no chat; and what asks somebody who is not there. They are in no subagent
either.
"""
