"""The engine for programs: one function a verb.

Those that may take long are generators: they yield `Event`s that say what they
are doing, and return their result (`types.result` runs one to its end). All
raise `errors.SkillsError` with what to do next, and leave the fork as it was.
"""

from skills_engine.types import result
from skills_engine.verbs.abort import abort
from skills_engine.verbs.apply import apply
from skills_engine.verbs.care import doctor, replay
from skills_engine.verbs.continue_ import continue_
from skills_engine.verbs.inspect import blame, diff, show
from skills_engine.verbs.lint import lint
from skills_engine.verbs.look import list_, log, search, status
from skills_engine.verbs.merge_driver import driver, driver_install, driver_uninstall
from skills_engine.verbs.merging import merge_files
from skills_engine.verbs.new import new
from skills_engine.verbs.op import op_diff, op_log, op_show
from skills_engine.verbs.pin import pin
from skills_engine.verbs.plan import apply_plan, plan, write_plan
from skills_engine.verbs.publish import publish
from skills_engine.verbs.rebase import rebase
from skills_engine.verbs.record import record
from skills_engine.verbs.reports import ChangeReport, Options
from skills_engine.verbs.resolve import conflicts, edit, resolve
from skills_engine.verbs.setup import init
from skills_engine.verbs.skip import skip
from skills_engine.verbs.supply import outdated, verify
from skills_engine.verbs.test import try_out
from skills_engine.verbs.undo import redo, restore, undo
from skills_engine.verbs.uninstall import uninstall
from skills_engine.verbs.upgrade import upgrade

__all__ = [
    "ChangeReport",
    "Options",
    "abort",
    "apply",
    "apply_plan",
    "blame",
    "conflicts",
    "continue_",
    "diff",
    "doctor",
    "driver",
    "driver_install",
    "driver_uninstall",
    "edit",
    "init",
    "lint",
    "list_",
    "log",
    "merge_files",
    "new",
    "op_diff",
    "op_log",
    "op_show",
    "outdated",
    "pin",
    "plan",
    "publish",
    "rebase",
    "record",
    "redo",
    "replay",
    "resolve",
    "restore",
    "result",
    "search",
    "show",
    "skip",
    "status",
    "try_out",
    "undo",
    "uninstall",
    "upgrade",
    "verify",
    "write_plan",
]
