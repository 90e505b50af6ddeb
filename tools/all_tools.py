"""Every tool there is, by name; fixed when the program starts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tools.call_mcp_tool import call_mcp_tool
from tools.clean_data import clean_data
from tools.evaluate import evaluate_outputs
from tools.evolution.deliver import merge_kept, publish_kept
from tools.evolution.record_round import record_round
from tools.evolution.run_candidate import run_candidate
from tools.evolution.score_outputs import score_outputs
from tools.first_run import first_run
from tools.forge_requests import propose_change, withdraw_change
from tools.free_space import free_space
from tools.inspect_checkpoints import inspect_checkpoints
from tools.install_environment import install_environment
from tools.make_change import make_change, merge_branch, publish_branch, render_settings
from tools.prepare_environment import prepare_environment
from tools.profile_data import profile_data
from tools.programming.asides import ask_person, finish, note
from tools.programming.bisecting import bisect_commits
from tools.programming.editing import apply_diff, replace_text, restore_file, write_file
from tools.programming.looking_back import find_alike, left_behind
from tools.programming.reading import read_file, search_files
from tools.programming.reproducing import smallest_reproduction
from tools.programming.running import run_command
from tools.programming.testing import baseline_tests, run_tests
from tools.read_help import read_help
from tools.read_library import read_library
from tools.recall_memory import recall_memory
from tools.run_trial import collect_outputs, start_trial, stop_trial, watch_trial
from tools.search_papers import search_papers
from tools.smoke_test import run_smoke_test
from tools.survey_repository import survey_repository
from tools.toolbox import Tool
from tools.track_run import track_run

_ALL: tuple[Tool[Any, Any, Any], ...] = (
    survey_repository,
    read_help,
    read_library,
    search_papers,
    recall_memory,
    profile_data,
    clean_data,
    prepare_environment,
    install_environment,
    render_settings,
    first_run,
    start_trial,
    watch_trial,
    stop_trial,
    collect_outputs,
    inspect_checkpoints,
    free_space,
    evaluate_outputs,
    track_run,
    read_file,
    search_files,
    replace_text,
    apply_diff,
    write_file,
    restore_file,
    run_command,
    run_tests,
    baseline_tests,
    find_alike,
    left_behind,
    bisect_commits,
    smallest_reproduction,
    note,
    ask_person,
    finish,
    make_change,
    run_smoke_test,
    publish_branch,
    merge_branch,
    propose_change,
    withdraw_change,
    run_candidate,
    score_outputs,
    record_round,
    publish_kept,
    merge_kept,
    call_mcp_tool,
)
TOOLS: Mapping[str, Tool[Any, Any, Any]] = MappingProxyType({tool.name: tool for tool in _ALL})
