# Everything of its own, as small as it gets: for trying out, also in a new account.

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
  region = "us-east-1" # where the Anonlink client's uploads straight to S3 work

  default_tags {
    tags = { service = "anonlink", stage = "trial" }
  }
}

module "anonlink" {
  source = "../.."

  name_prefix         = "anonlink-trial"
  deletion_protection = false # terraform destroy takes the data, too
}

output "api_url" {
  description = "Clients are given this."
  value       = module.anonlink.api_url
}
