"""What bears a trial's name and is still there: asked of AWS itself, whatever Terraform's state says.

By names, and not by tags: the service that looks for tags shows what is gone for a while.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.trial.target import Target

_POLL_SECONDS = 5


@dataclass(frozen=True)
class Kind:
    """Resources of one kind: which call lists them, and which of the answer's values may hold the name."""

    service: str
    call: str
    names: str  # JMESPath


_KINDS = (
    Kind("lambda", "list_functions", "Functions[].FunctionName"),
    Kind("lambda", "list_layers", "Layers[].LayerName"),
    Kind("s3", "list_buckets", "Buckets[].Name"),
    Kind("iam", "list_roles", "Roles[].RoleName"),
    Kind("logs", "describe_log_groups", "logGroups[].logGroupName"),
    Kind("stepfunctions", "list_state_machines", "stateMachines[].name"),
    Kind("apigateway", "get_rest_apis", "items[].name"),
    Kind("sqs", "list_queues", "QueueUrls[]"),
    Kind("events", "list_rules", "Rules[].Name"),
    Kind("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    Kind("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    Kind("ec2", "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted'].Tags[?Key=='Name'].Value[]"),
    Kind("ec2", "describe_security_groups", "SecurityGroups[].GroupName"),
    Kind("rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    Kind("rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupName"),
    Kind("rds", "describe_db_parameter_groups", "DBParameterGroups[].DBParameterGroupName"),
    Kind("elasticache", "describe_replication_groups", "ReplicationGroups[].ReplicationGroupId"),
    Kind("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups[].CacheSubnetGroupName"),
    Kind("secretsmanager", "list_secrets", "SecretList[].Name"),
    # The key itself can only be scheduled for deletion, after seven days; till then it costs nothing.
    Kind("kms", "list_aliases", "Aliases[].AliasName"),
)


def remains(target: Target, trial: str, wait_seconds: float = 0) -> list[str]:
    """ "service name" of each; asked again for ``wait_seconds``, as some lists lag behind."""
    end = time.monotonic() + wait_seconds
    while (found := sorted(_all(target, trial))) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    return found


def _all(target: Target, trial: str) -> Iterator[str]:
    for kind in _KINDS:
        names = target.client(kind.service).get_paginator(kind.call).paginate().search(kind.names)
        yield from (f"{kind.service} {name}" for name in names if name and trial in name)
    if target.has_database(trial):
        yield "embedded database"
