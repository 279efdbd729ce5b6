# Survives the loss of a zone; a domain, a firewall and alarms.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6.0"
    }
  }

  # The state holds passwords: terraform init -backend-config=… names a private, encrypted bucket.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { service = "anonlink", stage = "production" }
  }
}

module "anonlink" {
  source = "../.."

  name_prefix = "anonlink"
  size        = "production"

  domain = {
    name            = var.domain_name
    certificate_arn = var.certificate_arn
    hosted_zone_id  = var.hosted_zone_id
  }
  waf_enabled          = true
  cors_allowed_origins = []
  alarm_topic_arns     = [aws_sns_topic.alarms.arn]

  compare = { concurrency = 200 }
}

resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:Alarms hold names and numbers
  name = "anonlink-alarms"
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "eu-west-1"
}

variable "domain_name" {
  description = "The API's name, such as linkage.example.org."
  type        = string
}

variable "certificate_arn" {
  description = "An ACM certificate for it, of the same region."
  type        = string
}

variable "hosted_zone_id" {
  description = "The Route 53 zone that it is in."
  type        = string
}

output "api_url" {
  description = "Clients are given this."
  value       = module.anonlink.api_url
}
