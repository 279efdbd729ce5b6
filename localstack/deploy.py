"""Deploys the service to any LocalStack-compatible endpoint, from the same table as Terraform.

Runs at every start and may be repeated: what exists is brought up to date. After a crash the emulator
may have forgotten some of it, so nothing is assumed from the last time.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localstack.errors import StackError
from localstack.table import Table, arn_placeholder, function_code, read_state_machine, read_table

_RUNTIME = "python3.11"
# An answer must not be cut off by the client: migrations may take minutes.
_CLIENT = Config(read_timeout=330, retries={"total_max_attempts": 1}, proxies={})
_EXISTS = {"EntityAlreadyExists", "BucketAlreadyOwnedByYou", "ResourceConflictException", "ConflictException"}


@dataclass(frozen=True)
class Target:
    """Where to deploy, what to call it, and the values of the placeholders that depend on it."""

    endpoint_url: str
    region: str
    account: str
    access_key: str
    secret_key: str
    name_prefix: str
    api_stage: str
    source: Path
    values: Mapping[str, str]

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        region = self.region if regional else ""
        return f"arn:aws:{service}:{region}:{self.account}:{resource}"

    def name(self, name: str) -> str:
        return f"{self.name_prefix}-{name}"

    @property
    def data_bucket(self) -> str:
        return self.name("data")

    @property
    def upload_bucket(self) -> str:
        return self.name("uploads")


class Deployer:
    """Brings ``target`` up to date with its source. One method a kind of resource."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._values = dict(target.values) | _derived_values(target)
        self._table: Table = read_table(target.source, self._values)
        self._values |= {
            arn_placeholder(name): target.arn("lambda", f"function:{target.name(name)}")
            for name in self._table["functions"]
        }
        session = boto3.Session(
            aws_access_key_id=target.access_key,
            aws_secret_access_key=target.secret_key,
            region_name=target.region,
        )
        self._session = session
        self._iam = self._client("iam")
        self._s3 = self._client("s3")
        self._lambda = self._client("lambda")
        self._states = self._client("stepfunctions")
        self._gateway = self._client("apigateway")
        self._events = self._client("events")

    def _client(self, service: Any) -> Any:  # Any: the stubs' overloads want a literal
        return self._session.client(service, endpoint_url=self._target.endpoint_url, config=_CLIENT)

    def deploy(self) -> dict[str, Any]:
        """Deploy all, apply the migrations, look after vanished work; returns names and ARNs."""
        self._deploy_buckets()
        functions = self._deploy_functions()
        state_machines = self._deploy_state_machines()
        api_id = self._deploy_api()
        if "migrate" in functions:
            self.invoke("migrate")
        self._deploy_schedules()
        if "reconcile" in functions:
            self.invoke("reconcile", wait=False)
        return {
            "data_bucket": self._target.data_bucket,
            "upload_bucket": self._target.upload_bucket,
            "functions": functions,
            "state_machines": state_machines,
            "rest_api_id": api_id,
        }

    def invoke(self, function: str, *, wait: bool = True) -> None:
        """Call a function with an empty event. Raises StackError if it fails and we waited."""
        answer = self._lambda.invoke(
            FunctionName=self._target.name(function),
            InvocationType="RequestResponse" if wait else "Event",
            Payload=b"{}",
        )
        if "FunctionError" in answer:
            error = json.loads(answer["Payload"].read() or b"{}")
            raise StackError(f"the function {function} failed: {error.get('errorMessage', error)}")

    def _deploy_buckets(self) -> None:
        placement = {}
        if self._target.region != "us-east-1":  # the oldest region is the one that must not be named
            placement = {"CreateBucketConfiguration": {"LocationConstraint": self._target.region}}
        for bucket in (self._target.data_bucket, self._target.upload_bucket):
            _ignore_existing(self._s3.create_bucket, Bucket=bucket, **placement)
        # Browsers upload straight to the bucket, by URLs that are signed for one object.
        rule = {
            "AllowedMethods": ["PUT", "POST", "GET", "HEAD"],
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
        }
        self._s3.put_bucket_cors(Bucket=self._target.upload_bucket, CORSConfiguration={"CORSRules": [rule]})

    def _deploy_functions(self) -> dict[str, str]:
        code = function_code(self._target.source)
        for name, function in self._table["functions"].items():
            role = self._deploy_role(name, _service_trust("lambda"), function["policy"], function=name)
            self._deploy_function(name, function, role, code)
        for name, role in self._table.get("roles", {}).items():
            trust = _role_trust([self._role_arn(caller) for caller in role["assumed_by"]])
            self._deploy_role(name, trust, role["policy"], max_seconds=role["max_session_seconds"])
        return {name: self._target.name(name) for name in self._table["functions"]}

    def _role_arn(self, name: str) -> str:
        return self._target.arn("iam", f"role/{self._target.name(name)}", regional=False)

    def _deploy_role(
        self,
        name: str,
        trust: Mapping[str, Any],
        statements: Sequence[Mapping[str, Any]],
        *,
        function: str | None = None,
        max_seconds: int = 3600,
    ) -> str:
        role = self._target.name(name)
        document = json.dumps(trust)
        try:
            self._iam.create_role(
                RoleName=role, AssumeRolePolicyDocument=document, MaxSessionDuration=max_seconds
            )
        except self._iam.exceptions.EntityAlreadyExistsException:
            self._iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
        allowed = [_allow(statement["actions"], statement["resources"]) for statement in statements]
        if function:
            allowed.append(self._allow_logs(function))
        policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        self._iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=policy)
        return self._role_arn(name)

    def _allow_logs(self, function: str) -> dict[str, Any]:
        group = self._target.arn("logs", f"log-group:/aws/lambda/{self._target.name(function)}:*")
        return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], [group])

    def _deploy_function(self, name: str, function: Mapping[str, Any], role: str, code: bytes) -> None:
        configuration = {
            "FunctionName": self._target.name(name),
            "Runtime": _RUNTIME,
            "Role": role,
            "Handler": function["handler"],
            "Description": function["description"],
            "Timeout": function["timeout_seconds"],
            "MemorySize": function["memory_mb"],
            "Environment": {"Variables": self._environment(function)},
        }
        try:
            current = self._lambda.get_function_configuration(FunctionName=configuration["FunctionName"])
        except self._lambda.exceptions.ResourceNotFoundException:
            self._lambda.create_function(**configuration, Code={"ZipFile": code})
            return
        if current["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
            self._lambda.update_function_code(FunctionName=configuration["FunctionName"], ZipFile=code)
            self._update(configuration)  # also replaces warm workers, which keep the old code
        elif any(current.get(key) != value for key, value in configuration.items()):
            self._update(configuration)

    def _update(self, configuration: Mapping[str, Any]) -> None:
        # A fraction of a second, since an emulator is done at once; the stubs want whole ones.
        self._lambda.get_waiter("function_updated_v2").wait(
            FunctionName=configuration["FunctionName"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
        )
        self._lambda.update_function_configuration(**configuration)

    def _environment(self, function: Mapping[str, Any]) -> dict[str, str]:
        variables = self._table["environment"] | function.get("environment", {})
        # Functions of an emulator find it by this; its workers ignore AWS_REGION given here.
        own = {"AWS_ENDPOINT_URL": self._target.endpoint_url}
        return {name: str(value) for name, value in variables.items()} | own

    def _deploy_state_machines(self) -> dict[str, str]:
        arns = {}
        for name, functions in self._table["state_machines"].items():
            definition = read_state_machine(self._target.source, name, self._values)
            role = self._deploy_role(f"{name}-states", _service_trust("states"), self._may_call(functions))
            arn = self._target.arn("states", f"stateMachine:{self._target.name(name)}")
            try:
                self._states.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role)
            except self._states.exceptions.StateMachineDoesNotExist:
                self._states.create_state_machine(
                    name=self._target.name(name), definition=definition, roleArn=role
                )
            arns[name] = arn
        return arns

    def _may_call(self, functions: Sequence[str]) -> list[dict[str, list[str]]]:
        arns = [self._values[arn_placeholder(name)] for name in functions]
        return [{"actions": ["lambda:InvokeFunction"], "resources": arns}]

    def _deploy_api(self) -> str:
        api_id = self._find_api() or self._create_api()
        root, proxy = self._resources(api_id)
        function = self._values[arn_placeholder("api")]
        uri = self._target.arn("apigateway", "").replace(self._target.account, "lambda")
        for resource in (root, proxy):
            method = {"restApiId": api_id, "resourceId": resource, "httpMethod": "ANY"}
            _ignore_existing(self._gateway.put_method, **method, authorizationType="NONE")
            self._gateway.put_integration(
                **method,
                type="AWS_PROXY",
                integrationHttpMethod="POST",
                uri=f"{uri}path/2015-03-31/functions/{function}/invocations",
            )
        self._gateway.create_deployment(restApiId=api_id, stageName=self._target.api_stage)
        self._permit("api", "apigateway", self._target.arn("execute-api", f"{api_id}/*/*"))
        return api_id

    def _find_api(self) -> str | None:
        apis = self._gateway.get_rest_apis(limit=500)["items"]
        return next((str(api["id"]) for api in apis if api["name"] == self._target.name_prefix), None)

    def _create_api(self) -> str:
        name = self._target.name_prefix
        tags = {"ms-custom-id": name, "_custom_id_": name}  # MiniStack's and LocalStack's wish for a fixed id
        api = self._gateway.create_rest_api(
            name=name, binaryMediaTypes=["application/octet-stream"], tags=tags
        )
        return str(api["id"])

    def _resources(self, api_id: str) -> tuple[str, str]:
        found = self._gateway.get_resources(restApiId=api_id, limit=500)["items"]
        by_path = {resource["path"]: str(resource["id"]) for resource in found}
        if "/{proxy+}" not in by_path:
            made = self._gateway.create_resource(restApiId=api_id, parentId=by_path["/"], pathPart="{proxy+}")
            by_path["/{proxy+}"] = str(made["id"])
        return by_path["/"], by_path["/{proxy+}"]

    def _deploy_schedules(self) -> None:
        for name, function in self._table["functions"].items():
            if "schedule" not in function:
                continue
            rule = self._target.name(name)
            self._events.put_rule(Name=rule, ScheduleExpression=function["schedule"], State="ENABLED")
            target = {"Id": name, "Arn": self._values[arn_placeholder(name)]}
            self._events.put_targets(Rule=rule, Targets=[target])
            self._permit(name, "events", self._target.arn("events", f"rule/{rule}"))

    def _permit(self, function: str, service: str, source_arn: str) -> None:
        _ignore_existing(
            self._lambda.add_permission,
            FunctionName=self._target.name(function),
            StatementId=service,
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
            SourceArn=source_arn,
        )


def _derived_values(target: Target) -> dict[str, str]:
    """Placeholders that follow from names: ARNs known before anything is created."""
    return {
        "Partition": "aws",
        "Region": target.region,
        "AccountId": target.account,
        "NamePrefix": target.name_prefix,
        "DataBucket": target.data_bucket,
        "UploadBucket": target.upload_bucket,
        "DataBucketArn": f"arn:aws:s3:::{target.data_bucket}",
        "UploadBucketArn": f"arn:aws:s3:::{target.upload_bucket}",
        "SignerRoleArn": target.arn("iam", f"role/{target.name('signer')}", regional=False),
        "FunctionArnPrefix": target.arn("lambda", f"function:{target.name('')}"),
        "StateMachineArnPrefix": target.arn("states", f"stateMachine:{target.name('')}"),
        "ExecutionArnPrefix": target.arn("states", f"execution:{target.name('')}"),
    }


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _service_trust(service: str) -> dict[str, Any]:
    return _trust({"Service": f"{service}.amazonaws.com"})


def _role_trust(role_arns: Sequence[str]) -> dict[str, Any]:
    return _trust({"AWS": list(role_arns)})


def _trust(principal: Mapping[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _ignore_existing(create: Any, **arguments: Any) -> None:
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _EXISTS:
            raise
