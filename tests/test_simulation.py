"""The bot under a clock, a loop and a world that a seed determines; `make simulate` runs many."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register
from simulation.plan import DAYS, CallFault, Deed, Plan, Post, TimeFault, plan_of
from simulation.run import simulate

from bot.assistant import Assistant
from bot.messages import Turn
from bot.store import open_store

LATE = Post(900.0, 0, 9, "aside")
"""Faults end when all is written."""
SEEDS = 300 if "CI" in os.environ else 60


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_whatever_happens_each_message_is_answered_once_and_nothing_is_left(first: int) -> None:
    for seed in range(first, first + 20):
        outcome = simulate(plan_of(seed))
        assert not outcome.problems, f"python tests/simulation --trace {seed}"


def test_a_seed_says_all_that_happens() -> None:
    for seed in (4, 42):
        assert simulate(plan_of(seed)).trace == simulate(plan_of(seed)).trace


def holds(plan: Plan) -> None:
    outcome = simulate(plan)
    assert not outcome.problems, "\n".join(outcome.trace)


def test_who_is_joined_by_a_message_that_the_model_refuses_is_answered() -> None:
    holds(Plan(40, 3, 2, 0, (Post(7.3, 2, 4), Post(20.24, 2, 5, "poison"))))


def test_a_run_that_is_woken_twice_when_the_engine_is_back_is_done_once() -> None:
    holds(
        Plan(
            42,
            1,
            2,
            0,
            (Post(8.15, 0, 6, "isolated"), Post(13.28, 0, 3), Post(58.04, 0, 2, "slow")),
            (TimeFault("engine down", 23.09, 3381.31), CallFault("start", 2, "refused")),
        )
    )


def test_a_message_that_comes_while_its_chat_is_given_another_name_is_that_chat_s() -> None:
    posts = (
        Post(49.83, 0, 2, "slow"),
        Post(237.93, 0, 1, "isolated"),
        Post(267.56, 0, 3, "/help"),
        Post(410.51, 0, 4),
        Post(430.24, 1402, 5),
        Post(485.85, 1402, 6, "/stop"),
    )
    faults = (CallFault("connect", 1, "misconfigured"), CallFault("fetch", 1, "refused"))
    deeds = (
        Deed("unregister", 417.65, 500, 900),
        Deed("new token", 209.52, 0, 901),
        Deed("pair as main", 430.24, 1402, 902),
        Deed("backup", 295.51, 0, 903),
        Deed("move unsaid", 166.43, 0, 904),
        Deed("grant", 59.92, 0, 905),
    )
    holds(Plan(5082, 1, 4, 300, posts, faults, deeds))


async def test_a_message_that_comes_while_files_are_fetched_is_asked_with_its_own(
    tmp_path: Path,
) -> None:
    fetched: list[str] = []
    asked: list[tuple[int, list[str]]] = []

    async def answer(turn: Turn) -> list[str]:
        asked.append((len(fetched), [one.text for one in turn.asked]))
        return ["yes"]

    async with open_store(tmp_path) as store:
        await register(store, "memory:me", trigger=None)

        async def fetch(chat: str) -> None:
            fetched.append(chat)
            await store.take_in(message("second"), asks=True)

        assistant = Assistant(store, [MemoryChannel([message("first")])], FunctionAgent(answer))
        assistant.turns.fetch = fetch
        await assistant.run(asyncio.Event())
    assert asked == [(2, ["first", "second"])]


def test_a_container_that_could_not_be_told_where_it_is_gives_its_place_back() -> None:
    for n in range(10, 45):
        posts = (Post(1.0, 0, 1), Post(2.0, 1, 2))
        holds(Plan(85, 2, 1, 0, posts, (CallFault("sql", n, "busy"),)))


def test_a_task_that_is_cancelled_as_it_runs_is_held_by_nobody_after_a_crash() -> None:
    posts = (Post(1.0, 0, 1, "once"), Post(31.5, 0, 2, "cancel"))
    for at in range(30, 56, 3):
        holds(Plan(9, 1, 2, 0, posts, (TimeFault("crash", float(at), 0.0),)))


def test_a_task_that_waits_behind_a_turn_does_not_go_beyond_the_budget() -> None:
    posts = (Post(2.0, 2, 1, "once"), Post(3.0, 2, 2, "slow"), Post(4.0, 2, 3))
    holds(Plan(3, 3, 2, 300, posts))


def test_a_chat_that_is_called_otherwise_in_mid_turn_has_its_answer() -> None:
    for chat, kind in ((1, "move"), (2, "move"), (2, "move unsaid"), (2, "instead of")):
        for topic in (0, 7):
            posts = (Post(1.0, chat, 1, "slow", topic), Post(40.0, chat, 2, "", topic))
            holds(Plan(7, 3, 2, 0, posts, (), (Deed(kind, 20.0, chat, 900),)))


def test_what_is_brought_again_after_a_move_is_known() -> None:
    posts = (Post(1.0, 2, 1), Post(9.0, 2, 2))
    for n in (1, 2):
        faults = (CallFault("bring", n, "lost after"),)
        holds(Plan(8, 3, 2, 0, posts, faults, (Deed("move", 1.0, 2, 900),)))


def test_an_account_that_counts_anew_loses_nothing() -> None:
    posts = (Post(1.0, 0, 1), Post(2.0, 2, 2), Post(50.0, 0, 3), Post(51.0, 2, 4))
    holds(Plan(9, 3, 2, 0, posts, (), (Deed("new token", 40.0, 0, 900),)))


def test_who_is_removed_is_asked_no_more_and_what_is_taken_back_is_not_had() -> None:
    posts = tuple(Post(1.0 + n, chat, n) for n, chat in enumerate((1, 2, 1, 2, 1, 2), 1))
    faults = (TimeFault("engine down", 0.5, 60.0),)
    for kind in ("unregister", "grant"):
        deeds = (Deed(kind, 8.0, 1, 900), Deed("revoke", 30.0, 1, 901))
        holds(Plan(10, 3, 1, 0, posts, faults, deeds))


def test_who_has_to_wait_for_a_place_has_all_of_the_time_of_a_turn_then() -> None:
    posts = tuple(Post(1.0 + n, n, n, "slow") for n in range(1, 4))
    outcome = simulate(Plan(12, 4, 1, 0, posts))
    asked = [line for line in outcome.trace if " asked: " in line]
    assert not outcome.problems, outcome.trace
    assert len(asked) == len(posts), outcome.trace


def test_who_is_removed_while_there_is_no_place_is_asked_no_more() -> None:
    posts = (Post(1.0, 0, 1, "slow"), Post(5.0, 1, 2), Post(5.0, 1402, 3), Post(50.0, 0, 4))
    holds(Plan(13, 2, 1, 0, posts, (), (Deed("unregister", 20.0, 1, 900),)))
    deeds = (Deed("grant", 0.2, 0, 900), Deed("pair as main", 5.0, 1402, 901))
    posts = (Post(1.0, 1, 1, "slow"), Post(2.0, 0, 2), *posts[2:])
    holds(Plan(13, 2, 1, 0, posts, (), deeds))


def test_an_engine_that_hangs_does_not_keep_the_bot_from_its_end() -> None:
    for down in (0.0, 30.0):
        faults = (
            CallFault("start", 1, "hangs"),
            TimeFault("engine down", 20.0, down),
            TimeFault("restart", 40.0, 0.0),
        )
        posts = (Post(1.0, 0, 1), Post(5.0, 1, 2))
        deeds = (Deed("schedule", 45.0, 1, 900),)
        holds(Plan(14, 2, 2, 0, posts, faults, deeds))


def test_a_second_signal_leaves_nobody_at_work() -> None:
    posts = (Post(1.0, 0, 1, "slow"), Post(1.0, 1, 2, "slow"), Post(2.0, 1, 3, "once"))
    for at in (1.5, 3.0, 20.0, 310.0, 340.0):
        holds(Plan(15, 2, 2, 0, posts, (TimeFault("hurry", at, 0.0),)))


def test_what_was_written_before_a_registration_was_lost_is_answered_after_a_move() -> None:
    posts = (Post(3.41, 1404, 3), Post(15.65, 0, 1, "poison"), Post(16.66, 0, 2))
    deeds = (
        Deed("pair as main", 3.41, 1404, 900),
        Deed("move", 24.87, 0, 901),
        Deed("grant", 54.43, 0, 902),
    )
    holds(Plan(8885, 1, 1, 0, posts, (), deeds))


def test_what_was_written_in_a_chat_that_people_have_left_waits_if_no_other_takes_it_over() -> None:
    kinds = (("grant", 4.98, 0), ("unregister", 2.88, 1), ("revoke", 3.71, 1), ("revoke", 2.12, 0))
    deeds = tuple(Deed(*one, 900 + n) for n, one in enumerate(kinds))
    deeds += (Deed("cancel", 3.25, 1, 904), Deed("instead of", 0.86, 1, 905))
    crash = CallFault("owner", 1, "crash before")
    faults = (CallFault("step", 393, "crash"), crash, crash)
    holds(Plan(42960, 2, 1, 0, (Post(0.15, 1, 1),), faults, deeds))


def test_a_container_that_was_lost_reads_on_in_a_conversation_that_is_left_and_nobody_hears_it() -> (
    None
):
    posts = (Post(168.63, 0, 9, "slow"), Post(273.45, 0, 21), Post(369.86, 0, 13))
    down = (TimeFault("engine down", 406.0, 167.9),)
    holds(Plan(43124, 1, 1, 0, (*posts, Post(487.67, 0, 24, "/new")), down))


def test_what_a_chat_refuses_for_now_comes_later() -> None:
    posts = (Post(1.0, 1, 1), Post(2.0, 1, 2), LATE)
    holds(Plan(16, 2, 2, 0, posts, (CallFault("send", 1, "refused for now"),)))


def test_what_a_chat_refuses_for_days_is_given_up_and_the_owner_told() -> None:
    outcome = simulate(
        Plan(36, 2, 2, 0, (Post(1.0, 1, 1),), (TimeFault("muted", 0.0, 3.2 * DAYS),))
    )
    assert not outcome.problems, outcome.trace
    assert any("has taken no message for days" in line for line in outcome.trace), outcome.trace


def test_failures_that_were_not_in_a_row_are_not_told() -> None:
    posts = tuple(Post(60.0 * n, 1, n) for n in range(1, 8))
    faults = tuple(CallFault("send", n, "refused") for n in range(1, 13, 2))
    holds(Plan(17, 2, 2, 0, posts, faults))


def test_what_can_never_be_delivered_is_told_though_the_store_fails() -> None:
    posts = (Post(1.0, 1, 1), Post(60.0, 1, 2), LATE)
    for n in range(54, 59):
        faults = (CallFault("send", 1, "undeliverable"), CallFault("sql", n, "ioerr"))
        holds(Plan(18, 2, 2, 0, posts, faults))


def test_who_is_nearly_done_at_the_end_has_the_time_for_it() -> None:
    for at in range(2, 22, 3):
        holds(Plan(19, 2, 2, 0, (Post(1.0, 0, 1),), (TimeFault("restart", float(at), 0.0),)))


def test_a_piece_that_is_under_way_at_the_end_has_the_time_for_it() -> None:
    faults = (CallFault("send", 1, "slow"), TimeFault("restart", 40.0, 0.0))
    holds(Plan(27, 2, 2, 0, (Post(1.0, 1, 1), LATE), faults))


def test_a_file_that_a_crash_has_left_is_removed_and_what_is_to_be_sent_is_not() -> None:
    for n in range(44, 52):
        holds(Plan(20, 1, 2, 0, (Post(1.0, 0, 1, "send"),), (CallFault("sql", n, "crash"),)))


def test_a_clock_that_was_ahead_leaves_no_task_waiting() -> None:
    for at in (40.0, 66.0):
        faults = (TimeFault("clock forward", at, 4000.0), TimeFault("clock back", 86.8, 4000.0))
        holds(Plan(22, 1, 2, 0, (Post(1.0, 0, 1, "every"), LATE), faults))


def test_who_was_put_off_is_asked_when_another_is_answered() -> None:
    for begun in (300.0, 900.0, 1500.0, 2500.0):
        for does in ("", "every"):
            late = Post(5000.0, 0, 9, "aside")
            posts = (Post(0.2, 2, 1, does), Post(0.3, 1, 2), Post(begun, 2, 3), late)
            faults = (TimeFault("api down", 40.0, 4000.0),)
            holds(Plan(23, 3, 2, 0, posts, faults))


def test_a_budget_that_is_used_up_is_told_once_a_day() -> None:
    posts = tuple(Post(100.0 * n, 1, n) for n in range(1, 6))
    holds(Plan(24, 2, 2, 100, posts))


def test_the_chat_and_the_owner_are_told_together_of_a_budget() -> None:
    posts = (Post(1.0, 1, 1), Post(60.0, 1, 2))
    for n in range(78, 90, 2):
        holds(Plan(37, 2, 2, 100, posts, (CallFault("sql", n, "crash"),)))


def test_a_task_is_tried_again_before_it_is_given_up() -> None:
    faults = (TimeFault("api down", 40.0, 300.0),)
    holds(Plan(25, 2, 2, 0, (Post(1.0, 1, 1, "once"), LATE), faults))


def test_what_one_run_of_a_task_has_failed_is_not_told_of_the_next() -> None:
    faults = tuple(CallFault("api", n, "529") for n in (2, 3, 4, 6, 7, 8))
    outcome = simulate(Plan(39, 1, 2, 0, (Post(1.0, 0, 1, "every"), LATE), faults))
    assert not outcome.problems, outcome.trace
    assert not any("failed 5 times" in line for line in outcome.trace), outcome.trace


def test_files_of_a_chat_that_is_removed_meanwhile_hold_up_nobody() -> None:
    for at in (1.7, 2.2, 2.7, 3.5):
        posts = (Post(1.0, 1, 1, "file"), Post(1.5, 1, 2, "file"), LATE)
        faults = tuple(CallFault("fetch", n, "refused") for n in (1, 2))
        holds(Plan(26, 2, 2, 0, posts, faults, (Deed("unregister", at, 1, 900),)))


def test_who_was_put_off_is_asked_when_the_engine_is_back() -> None:
    posts = (Post(1.0, 1, 1), Post(1800.0, 2, 2), Post(5000.0, 0, 9, "aside"))
    holds(Plan(28, 3, 2, 0, posts, (TimeFault("engine down", 0.5, 3800.0),)))


def test_a_code_has_its_effect_once_though_it_is_brought_twice() -> None:
    posts = (Post(1.0, 1400, 1), Post(90.0, 1400, 2))
    for n, kind in ((1, "twice"), (2, "twice"), (2, "crash after"), (2, "lost after")):
        holds(
            Plan(
                11, 2, 2, 0, posts, (CallFault("bring", n, kind),), (Deed("pair", 1.0, 1400, 900),)
            )
        )


def test_what_was_tried_for_a_chat_counts_when_it_is_called_otherwise() -> None:
    posts = (Post(at=1.35, chat=3, number=3, does="", topic=7),)
    faults = (TimeFault(kind="api down", at=1.51, seconds=66.67),)
    deeds = (
        Deed(kind="move", at=2.07, chat=3, number=904),
        Deed(kind="move", at=39.56, chat=3, number=990),
    )
    holds(Plan(1598, 4, 4, 0, posts, faults, deeds))


def test_who_is_removed_while_it_is_given_another_name_is_removed() -> None:
    posts = (Post(at=21.33, chat=1401, number=5, does=""),)
    faults = (
        CallFault(port="open", n=1, kind="crash"),
        CallFault(port="sql", n=10, kind="full for a while"),
    )
    deeds = (
        Deed(kind="unregister", at=58.33, chat=1, number=900),
        Deed(kind="pair", at=21.33, chat=1401, number=901),
        Deed(kind="status", at=52.44, chat=1, number=902),
        Deed(kind="move", at=22.22, chat=1, number=903),
        Deed(kind="list", at=13.59, chat=1, number=904),
        Deed(kind="pause", at=36.6, chat=1, number=905),
    )
    holds(Plan(2889, 2, 1, 0, posts, faults, deeds))


def test_who_has_no_tokens_left_when_the_engine_is_back_waits_for_another_day() -> None:
    posts = (Post(424.67, 0, 5, "slow"), Post(1335.73, 0, 4, topic=7))
    faults = (TimeFault("engine down", 673.19, 271.71),)
    holds(Plan(6078, 1, 1, 100, posts, faults))


def test_a_stranger_whose_chat_had_names_that_nobody_told_of_may_have_a_code_for_each() -> None:
    posts = (
        Post(136.14, 2, 18),
        Post(203.85, 2, 7, "send"),
        Post(249.74, 2, 19, "/stop", 7),
        Post(464.53, 2, 8, topic=7),
        Post(482.6, 2, 4),
        Post(707.74, 2, 14, topic=7),
        Post(843.07, 2, 13, topic=7),
    )
    faults = (TimeFault("messenger down", 127.45, 2085.06),)
    deeds = (
        Deed("move unsaid", 263.55, 2, 991),
        Deed("move unsaid", 442.16, 2, 990),
        Deed("move unsaid", 602.18, 2, 900),
        Deed("instead of", 777.96, 2, 904),
    )
    holds(Plan(4544, 3, 4, 0, posts, faults, deeds))


def test_an_answer_that_is_under_way_does_not_bring_back_a_conversation_that_was_left() -> None:
    posts = (
        Post(39.27, 1, 1, topic=7),
        Post(101.76, 1, 4),
        Post(278.14, 1, 3, topic=7),
        Post(283.05, 1, 2, "every"),
        Post(432.92, 1, 5, "/new"),
        Post(493.06, 1, 7),
    )
    faults = (TimeFault("restart", 365.3, 0.84), CallFault("session", 1, "refused"))
    holds(Plan(8275, 2, 2, 0, posts, faults, (Deed("move unsaid", 383.64, 1, 990),)))


def test_a_conversation_that_went_bad_since_another_was_left_is_left_too() -> None:
    posts = (
        Post(46.46, 0, 5),
        Post(59.08, 1, 1),
        Post(168.49, 1, 4),
        Post(193.04, 1, 6, "once"),
        Post(207.94, 1, 3, "poison"),
        Post(422.28, 1, 7),
    )
    faults = (CallFault("session", 2, "poisoned"), TimeFault("engine down", 344.49, 15.58))
    holds(Plan(8468, 2, 1, 0, posts, faults))


def test_a_budget_is_told_once_of_a_chat_that_was_given_another_name() -> None:
    posts = (Post(36.93, 0, 8), Post(46.93, 0, 2), Post(50.61, 0, 1))
    deeds = (
        Deed("move", 59.74, 0, 900),
        Deed("schedule", 4.68, 0, 901),
        Deed("schedule", 13.38, 0, 902),
    )
    holds(Plan(8317, 1, 2, 300, posts, (), deeds))


def test_failures_to_deliver_count_when_a_chat_is_called_otherwise() -> None:
    faults = (CallFault("send", 1, "refused six times"),)
    outcome = simulate(Plan(31, 3, 1, 0, (Post(2.0, 2, 1),), faults, (Deed("move", 30.0, 2, 900),)))
    told = [line for line in outcome.trace if "I cannot deliver to Chat 2 (" in line]
    assert not outcome.problems, outcome.trace
    assert len(told) == 1, outcome.trace


def test_failures_to_deliver_count_when_a_chat_is_registered_meanwhile() -> None:
    posts = (
        Post(6.66, 0, 1),
        Post(32.69, 0, 3, "aside"),
        Post(35.04, 1403, 5),
        Post(38.48, 2, 2, "every"),
        Post(45.23, 0, 4),
        Post(69.19, 1403, 6, "aside"),
    )
    faults = (TimeFault("muted", 47.49, 2719.16), CallFault("session", 2, "refused"))
    deeds = (
        Deed("move", 46.77, 1, 900),
        Deed("new token", 21.98, 3, 901),
        Deed("revoke", 18.13, 2, 902),
        Deed("pair", 35.04, 1403, 903),
        Deed("move", 49.51, 1, 904),
        Deed("pause", 37.86, 2, 905),
    )
    holds(Plan(1448, 4, 2, 300, posts, faults, deeds))


def test_a_notice_that_is_on_its_way_at_the_end_has_its_time_and_no_more() -> None:
    holds(Plan(32, 1, 2, 0, (), (CallFault("sql", 19, "ioerr"), CallFault("send", 1, "slow"))))


def test_those_that_were_refused_together_are_asked_one_by_one_until_all_are_through() -> None:
    """Also where the tokens of the day last for one of them."""
    posts = (*(Post(300.0 + n, 0, n) for n in range(1, 6)), Post(320.0, 0, 6, "poison"))
    outcome = simulate(Plan(33, 1, 2, 100, posts))
    together = [line for line in outcome.trace if " asked: " in line and line.count("'m") > 1]
    assert not outcome.problems, outcome.trace
    assert len(together) == 2, outcome.trace  # once more in a fresh conversation


def test_who_is_removed_in_the_instant_of_a_message_can_be_found() -> None:
    posts = (Post(4.6, 3, 1), Post(4.6, 2, 4, "", 7))
    for seed, at in ((51, 4.3), (52, 4.2)):
        deeds = (Deed("unregister", at, 3, 900), Deed("unregister", at, 2, 901))
        holds(Plan(seed, 4, 2, 0, posts, (), deeds))


def test_a_piece_that_is_under_way_when_its_chat_is_called_otherwise_is_sent_once() -> None:
    for topic in (0, 7):
        posts = (Post(1.0, 1, 1, "", topic), Post(60.0, 1, 2, "", topic), LATE)
        holds(
            Plan(35, 2, 2, 0, posts, (CallFault("send", 1, "slow"),), (Deed("move", 30.0, 1, 900),))
        )
