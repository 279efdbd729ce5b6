# A stage that comes and goes on a network that stays: Lambda gives network interfaces back only after
# up to 45 minutes, and until then neither subnets nor security groups can be destroyed.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6.0"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

# Apply this once, with -target=module.network, and leave it.
module "network" {
  source = "../../modules/network"

  name_prefix       = "stages"
  flow_logs_enabled = false
}

# Stores of all stages may be reached; their own groups say by whom.
resource "aws_vpc_security_group_egress_rule" "stores" {
  for_each = { postgres = 5432, valkey = 6379 }

  security_group_id = module.network.function_security_group_id
  description       = "Stores of the stages: ${each.key}."
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "10.42.0.0/16"
}

module "anonlink" {
  source = "../.."

  name_prefix         = var.stage
  deletion_protection = false
  existing_network = {
    vpc_id                     = module.network.vpc_id
    function_subnet_ids        = module.network.function_subnet_ids
    store_subnet_ids           = module.network.private_subnet_ids
    function_security_group_id = module.network.function_security_group_id
  }
  manage_api_gateway_account = false
}

variable "stage" {
  description = "Name of the stage."
  type        = string
  default     = "stage-1"
}

output "api_url" {
  description = "Clients are given this."
  value       = module.anonlink.api_url
}
