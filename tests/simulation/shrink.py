"""The least plan that still goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulation.plan import CallFault, Plan, Post, TimeFault

Thing = CallFault | TimeFault | Post
Fails = Callable[[Plan], bool]


def shrunk(plan: Plan, fails: Fails) -> Plan:
    """Fewer faults, fewer messages, plainer ones, fewer chats: as long as it fails."""
    before = None
    while plan != before:
        before = plan
        plan = _with_less(plan, fails)
    for one in plan.posts:
        posts = tuple(replace(post, does="") if post is one else post for post in plan.posts)
        plan = _if(replace(plan, posts=posts), fails, plan)
    used = max((one.chat for one in plan.posts), default=0) + 1
    plan = _if(replace(plan, chats=min(used, plan.chats)), fails, plan)
    return _if(replace(plan, budget=0), fails, plan)


def _with_less(plan: Plan, fails: Fails) -> Plan:
    size = len(plan.faults) + len(plan.posts)
    while (size := size // 2) >= 1:
        things: tuple[Thing, ...] = (*plan.faults, *plan.posts)
        for start in range(0, len(things), size):
            plan = _if(plan.without(things[start : start + size]), fails, plan)
    return plan


def _if(less: Plan, fails: Fails, plan: Plan) -> Plan:
    return less if less != plan and fails(less) else plan
