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
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localstack.code import folded_code
from localstack.errors import StackError
from localstack.table import Table, arn_placeholder, function_code, read_state_machine, read_table
from localstack.target import Target, derived_values

_RUNTIME = "python3.11"
# An answer must not be cut off by the client: migrations may take minutes.
_CLIENT = Config(read_timeout=330, retries={"total_max_attempts": 1}, proxies={})
# A fraction of a second, since MiniStack is done at once; LocalStack fetches Lambda's image first.
_WAITER = {"Delay": 0.1, "MaxAttempts": 6_000}
_EXISTS = {"EntityAlreadyExists", "BucketAlreadyOwnedByYou", "ResourceConflictException", "ConflictException"}


@dataclass(frozen=True)
class _Code:
    """Where Lambda finds the code, as its calls want it, and how it names that version."""

    location: Mapping[str, Any]
    sha256: str  # base64


class Deployer:
    """Brings ``target`` up to date with its source. One method a kind of resource."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._values = derived_values(target) | dict(target.values)
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
        for bucket in (self._target.data_bucket, self._target.upload_bucket):
            self._create_bucket(bucket)
        # Browsers upload straight to the bucket and are redirected to results, by URLs signed for one object.
        self._allow_browsers(self._target.upload_bucket, ["PUT", "POST", "GET", "HEAD"])
        self._allow_browsers(self._target.data_bucket, ["GET", "HEAD"])

    def _create_bucket(self, bucket: str) -> None:
        placement = {}
        if self._target.region != "us-east-1":  # the oldest region is the one that must not be named
            placement = {"CreateBucketConfiguration": {"LocationConstraint": self._target.region}}
        _ignore_existing(self._s3.create_bucket, Bucket=bucket, **placement)

    def _allow_browsers(self, bucket: str, methods: Sequence[str]) -> None:
        rule = {
            "AllowedMethods": list(methods),
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
        }
        self._s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})

    def _deploy_functions(self) -> dict[str, str]:
        codes: dict[tuple[str, ...], _Code] = {}
        for name, function in self._table["functions"].items():
            layers = tuple(function["layers"]) if self._target.package else ()
            code = codes.get(layers) or codes.setdefault(layers, self._code(layers))
            role = self._deploy_role(name, _service_trust("lambda"), function["policy"], function=name)
            self._deploy_function(name, function, role, code)
        for name, role in self._table.get("roles", {}).items():
            trust = _role_trust([self._role_arn(caller) for caller in role["assumed_by"]])
            self._deploy_role(name, trust, role["policy"], max_seconds=role["max_session_seconds"])
        functions = {name: self._target.name(name) for name in self._table["functions"]}
        for function in functions.values():
            self._await("function_active_v2", function)
        return functions

    def _code(self, layers: Sequence[str]) -> _Code:
        package = self._target.package
        code = folded_code(package, layers) if package else function_code(self._target.source)
        digest = hashlib.sha256(code)
        location: dict[str, Any] = {"ZipFile": code}
        if package:  # too large for a request to Lambda
            location = {"S3Bucket": self._target.code_bucket, "S3Key": f"{digest.hexdigest()}.zip"}
            self._create_bucket(location["S3Bucket"])
            self._s3.put_object(Bucket=location["S3Bucket"], Key=location["S3Key"], Body=code)
        return _Code(location, base64.b64encode(digest.digest()).decode())

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

    def _deploy_function(self, name: str, function: Mapping[str, Any], role: str, code: _Code) -> None:
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
            self._lambda.create_function(**configuration, Code=code.location)
            return
        if current["CodeSha256"] != code.sha256:
            self._lambda.update_function_code(FunctionName=configuration["FunctionName"], **code.location)
            self._update(configuration)  # also replaces warm workers, which keep the old code
        elif any(current.get(key) != value for key, value in configuration.items()):
            self._update(configuration)

    def _update(self, configuration: Mapping[str, Any]) -> None:
        self._await("function_updated_v2", configuration["FunctionName"])
        self._lambda.update_function_configuration(**configuration)

    def _await(self, state: str, function: str) -> None:
        self._lambda.get_waiter(state).wait(FunctionName=function, WaiterConfig=_WAITER)

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
