"""The tables of skills, in README.md and docs/skills.md: `make reference` writes them anew.

What a skill is and needs is read from its SKILL.md; what a channel can do is said here, each by the
test of the skill that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from forks import ROOT, SKILLS, package

__all__ = ["FEATURES", "PAGES", "page"]

PAGES = (ROOT / "README.md", ROOT / "docs/skills.md")
BLOCK = re.compile(r"(<!-- (library|skills|channels) -->\n).*?(<!-- end -->)", re.DOTALL)
TELEGRAM, DISCORD, SLACK = "add-telegram", "add-discord", "add-slack"
SIGNAL, MATRIX, MAIL, BROWSER = "add-signal", "add-matrix", "add-email", "add-webchat"
FEATURES: dict[str, dict[str, str]] = {
    "private chats": {
        TELEGRAM: "test_text_comes_in_from_private_chats_and_groups_and_the_reply_goes_back",
        DISCORD: "test_a_private_chat_a_mention_and_a_thread_are_answered_where_they_are",
        SLACK: "test_a_private_chat_a_mention_and_a_thread_are_answered_where_they_are",
        SIGNAL: "test_a_private_chat_and_a_group_are_answered_where_they_are",
        MATRIX: "test_a_private_chat_and_a_room_are_answered_where_they_are",
        MAIL: "test_a_thread_is_a_conversation_and_an_answer_stays_in_it",
        BROWSER: "test_a_message_is_stored_once_answered_and_shown_to_every_page",
    },
    "groups, when mentioned": {
        TELEGRAM: "test_who_is_meant_is_what_telegram_says",
        DISCORD: "test_replies_edits_bots_and_who_is_meant",
        SLACK: "test_threads_edits_and_who_is_meant",
        SIGNAL: "test_a_private_chat_and_a_group_are_answered_where_they_are",
        MATRIX: "test_a_private_chat_and_a_room_are_answered_where_they_are",
    },
    "replies, with what they quote": {
        TELEGRAM: "test_what_is_forwarded_edited_or_quoted_is_said",
        DISCORD: "test_replies_edits_bots_and_who_is_meant",
        SLACK: "test_threads_edits_and_who_is_meant",
        SIGNAL: "test_replies_edits_and_what_cannot_be_read",
        MATRIX: "test_replies_edits_and_who_is_meant",
        MAIL: "test_what_is_quoted_is_told_from_what_is_new",
    },
    "threads as conversations": {
        TELEGRAM: "test_a_reply_to_the_assistant_means_it_and_the_first_of_a_topic_is_no_reply",
        DISCORD: "test_a_private_chat_a_mention_and_a_thread_are_answered_where_they_are",
        SLACK: "test_a_private_chat_a_mention_and_a_thread_are_answered_where_they_are",
        MAIL: "test_a_thread_is_a_conversation_and_an_answer_stays_in_it",
    },
    "edits": {
        TELEGRAM: "test_what_is_forwarded_edited_or_quoted_is_said",
        DISCORD: "test_replies_edits_bots_and_who_is_meant",
        SLACK: "test_threads_edits_and_who_is_meant",
        SIGNAL: "test_replies_edits_and_what_cannot_be_read",
        MATRIX: "test_replies_edits_and_who_is_meant",
    },
    "typing is shown": {
        TELEGRAM: "test_typing_is_shown_while_the_agent_works",
        DISCORD: "test_typing_groups_and_what_is_refused",
        SIGNAL: "test_files_come_in_and_go_out",
        MATRIX: "test_files_come_in_and_go_out",
        BROWSER: "test_files_come_in_and_go_out",
    },
    "marks of its own": {
        TELEGRAM: "test_marks_are_telegrams_own_and_what_is_refused_goes_as_it_was_written",
        DISCORD: "test_tables_are_code_and_all_else_is_as_it_was_written",
        SLACK: "test_marks_are_slacks_own_and_nobody_is_called",
        SIGNAL: "test_styles_count_as_signal_does_and_addresses_stand_behind_their_words",
        MATRIX: "test_a_private_chat_and_a_room_are_answered_where_they_are",
        MAIL: "test_files_come_in_and_go_out",
        BROWSER: "test_a_message_is_stored_once_answered_and_shown_to_every_page",
    },
    "long replies in pieces": {
        TELEGRAM: "test_a_long_reply_goes_out_in_pieces_and_in_order_whatever_fails",
        DISCORD: "test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once",
        SLACK: "test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once",
        SIGNAL: "test_a_long_reply_is_split",
        MATRIX: "test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once",
    },
    "files in": {
        TELEGRAM: "test_a_photo_from_telegram_is_a_file_for_the_agent",
        DISCORD: "test_files_come_in_and_go_out",
        SLACK: "test_files_come_in_and_go_out",
        SIGNAL: "test_files_come_in_and_go_out",
        MATRIX: "test_files_come_in_and_go_out",
        MAIL: "test_files_come_in_and_go_out",
        BROWSER: "test_files_come_in_and_go_out",
    },
    "files out": {
        TELEGRAM: "test_a_file_goes_out_with_its_words_and_into_its_topic",
        DISCORD: "test_files_come_in_and_go_out",
        SLACK: "test_files_come_in_and_go_out",
        SIGNAL: "test_files_come_in_and_go_out",
        MATRIX: "test_files_come_in_and_go_out",
        MAIL: "test_files_come_in_and_go_out",
        BROWSER: "test_files_come_in_and_go_out",
    },
    "what was missed, after an outage": {
        TELEGRAM: "test_an_update_is_acknowledged_only_after_its_message_is_stored",
        DISCORD: "test_what_was_missed_is_answered_once_after_a_start_and_after_a_lost_session",
        SLACK: "test_what_was_missed_is_answered_once_and_in_order",
        SIGNAL: "test_a_private_chat_and_a_group_are_answered_where_they_are",
        MATRIX: "test_what_was_missed_is_answered_once_and_in_order",
        MAIL: "test_what_was_missed_is_answered_once_also_where_mails_are_numbered_anew",
        BROWSER: "test_a_message_is_stored_once_answered_and_shown_to_every_page",
    },
    "a piece whose answer was lost comes once": {
        DISCORD: "test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once",
        SLACK: "test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once",
        MATRIX: "test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once",
    },
    "a refused token is said": {
        TELEGRAM: "test_it_connects_again_after_errors_and_gives_up_on_a_token_that_is_refused",
        DISCORD: "test_what_only_the_owner_can_mend_is_said",
        SLACK: "test_what_only_the_owner_can_mend_is_said",
        SIGNAL: "test_what_only_the_owner_can_mend_is_said",
        MATRIX: "test_what_only_the_owner_can_mend_is_said",
        MAIL: "test_what_only_the_owner_can_mend_is_said",
    },
}
"""What channels can do, by the test of each that shows it."""


def page(text: str) -> str:
    """The page with its tables as they should be."""
    tables = {
        "library": "\n".join(_skills(tests=False)),
        "skills": "\n".join(_skills(tests=True)),
        "channels": "\n".join(_channels()),
    }
    return BLOCK.sub(lambda found: f"{found[1]}{tables[found[2]]}\n{found[3]}", text)


def _skills(*, tests: bool) -> Iterator[str]:
    yield _row("skill", "what it does", "what it needs", *["its tests"] * tests)
    yield "|---" * (3 + tests) + "|"
    for folder in sorted(SKILLS.iterdir()):
        if not (folder / "SKILL.md").exists():
            continue
        it = package(folder.name)
        what = it.description.partition(" Use when")[0]
        needs, tried = [], ""
        if manifest := it.manifest:
            needs = [f"`{name}`" for name, *_ in manifest.depends]
            needs += [f"`{one.key}`" for one in manifest.environment]
            needs += [f"the service `{name}`" for name in manifest.services]
            tried = ", ".join(f"`{path.rpartition('/')[2]}`" for path in manifest.tests)
        yield _row(f"`{folder.name}`", what, ", ".join(needs), *[tried] * tests)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _channels() -> Iterator[str]:
    names = list(dict.fromkeys(name for row in FEATURES.values() for name in row))
    yield f"| | {' | '.join(f'`{name}`' for name in names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for feature, row in FEATURES.items():
        yield f"| {feature} | {' | '.join('yes' if name in row else '' for name in names)} |"


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(page(path.read_text("utf-8")), "utf-8")
