"""Backfills over dumps: through GraphQL as the web UI asks for them, and through Dagster's command
line."""

from __future__ import annotations

import logging
from typing import Any

import dagster as dg
from click.testing import CliRunner
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.backfill import execute_backfill_iteration
from dagster_graphql.test.utils import execute_dagster_graphql

LAUNCH = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  ... on PartitionKeysNotFoundError { message } } }
"""


def partitions(instance: dg.DagsterInstance, backfill: str) -> list[str]:
    return sorted(
        r.tags["dagster/partition"]
        for r in instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill}))
    )


def daemon(workspace: WorkspaceProcessContext) -> None:
    """One turn of the daemon's backfill loop."""
    list(execute_backfill_iteration(workspace, logging.getLogger("test")))


def test_assets_of_chosen_dumps_are_backfilled(
    workspace: WorkspaceProcessContext, instance: dg.DagsterInstance
) -> None:
    assets = [{"path": ["raw_dump"]}, {"path": ["documents"]}]
    params = {"assetSelection": assets, "partitionNames": ["a", "c"]}
    answer: Any = execute_dagster_graphql(workspace.create_request_context(), LAUNCH, {"params": params})
    launched = answer.data["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    daemon(workspace)
    assert partitions(instance, launched["backfillId"]) == ["a", "c"]
    runs = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": launched["backfillId"]}))
    assert all(
        {k.to_user_string() for k in r.asset_selection or ()} == {"raw_dump", "documents"} for r in runs
    )


def test_the_command_line_backfills_the_job(
    workspace: WorkspaceProcessContext, instance: dg.DagsterInstance
) -> None:
    from dagster._cli.job import job_backfill_command

    arguments = ["-m", "jobs.definitions", "-j", "dump", "--partitions", "a,b", "--noprompt"]
    result = CliRunner().invoke(job_backfill_command, arguments)
    assert result.exit_code == 0, result.output
    [backfill] = [b for b in instance.get_backfills() if not b.is_asset_backfill]
    daemon(workspace)
    assert partitions(instance, backfill.backfill_id) == ["a", "b"]
