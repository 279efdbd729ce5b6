"""The network that stays between trials: made if it isn't there, brought up to date if it is.

It has no interface endpoint and no NAT gateway, so it costs nothing. One trial at a time can be on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.trial.errors import TrialError
from deploy.trial.limits import Watch
from deploy.trial.target import Target
from deploy.trial.terraform import Terraform


@dataclass(frozen=True)
class Network:
    """Its state is in a folder below ``directory``, or in ``state_bucket``, for all machines to share."""

    name: str
    target: Target
    directory: Path
    root: Path
    plugin_dir: Path | None = None
    state_bucket: str | None = None

    def ensure(self, watch: Watch) -> dict[str, Any]:
        """Returns what the trial's module takes. Raises TrialError if another trial is on it."""
        terraform = self._terraform()
        terraform.apply(watch)
        network: dict[str, Any] = terraform.output("network")
        self._refuse_neighbours(network["vpc_id"])
        return network

    def destroy(self) -> None:
        """Lambda may still hold interfaces of the last trial, for up to 45 minutes: Terraform waits."""
        self._terraform().destroy()

    def _terraform(self) -> Terraform:
        module, environment = "deployment-test/network", self.target.environment()
        if self.target.data_dir:
            # With the emulator goes what it has. Terraform must not look at it: the emulator tells of a
            # security group's rule no prefix list, and the provider then plans what is no plan.
            folder = self.target.data_dir / "trials" / self.name
            terraform = Terraform(folder, module, environment, self.plugin_dir, ["-refresh=false"])
        else:
            folder = self.directory / f"{self.name}-{self.target.account()}-{self.target.region}"
            terraform = Terraform(folder, module, environment, self.plugin_dir)
        variables = {
            "name_prefix": self.name,
            "region": self.target.region,
            "is_emulated": self.target.data_dir is not None,
            "manage_api_gateway_account": self._owns_api_gateway_role(),
        }
        terraform.copy(self.root, variables, self._backend())
        return terraform

    def _owns_api_gateway_role(self) -> bool:
        # Set by us, or by nobody: another stack's role must stay.
        role = self.target.client("apigateway").get_account().get("cloudwatchRoleArn")
        return not role or role.endswith(f":role/{self.name}-api-gateway-logs")

    def _backend(self) -> dict[str, Any] | None:
        if self.state_bucket is None:
            return None
        emulated = {
            "use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
        }
        return {
            "s3": {
                "bucket": self.state_bucket,
                "key": f"{self.name}.tfstate",
                "region": self.target.region,
                "encrypt": True,
                "use_lockfile": True,
            }
            | (emulated if self.target.data_dir else {})
        }

    def _refuse_neighbours(self, vpc_id: str) -> None:
        filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
        endpoints = self.target.client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
        names = {
            tag["Value"]
            for endpoint in endpoints
            if endpoint["VpcEndpointType"] == "Interface"
            for tag in endpoint.get("Tags", [])
            if tag["Key"] == "Trial"
        }
        if names:
            raise TrialError(
                f"{', '.join(sorted(names))} is on the network {self.name}: wait until it has ended, "
                "`python -m deploy.trial clean` if it was killed, or give --network another name"
            )
