# What stays between trials and costs nothing: a VPC without interface endpoints. Lambda gives its network
# interfaces back only after up to 45 minutes, and until then neither subnets nor the functions' security
# group could be destroyed; a trial has no time to wait for that.

provider "aws" {
  region = var.region

  skip_credentials_validation = var.is_emulated
  skip_metadata_api_check     = var.is_emulated
  s3_use_path_style           = var.is_emulated

  default_tags {
    tags = { Project = "anonlink", Trials = var.name_prefix }
  }
}

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}

module "network" {
  source = "../../modules/network"

  name_prefix         = var.name_prefix
  cidr_block          = var.cidr_block
  interface_endpoints = {} # each trial makes its own: they cost by the hour
  flow_logs_enabled   = false

  s3_endpoint_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:*"
      Resource = [
        "arn:${data.aws_partition.current.partition}:s3:::${var.trial_name_prefix}*",
        "arn:${data.aws_partition.current.partition}:s3:::${var.trial_name_prefix}*/*",
      ]
      Condition = { StringEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })

  # Of any trial: the other ends let in this network's functions alone.
  additional_egress = {
    endpoints = { port = 443, cidr_block = var.cidr_block }
    postgres  = { port = 5432, cidr_block = var.cidr_block }
    valkey    = { port = 6379, cidr_block = var.cidr_block }
  }
}

# One an account and region. It stays set when this is destroyed.
resource "aws_api_gateway_account" "this" {
  count = var.manage_api_gateway_account ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.api_gateway[0].arn

  depends_on = [aws_iam_role_policy_attachment.api_gateway]
}

resource "aws_iam_role" "api_gateway" {
  count = var.manage_api_gateway_account ? 1 : 0

  name        = "${var.name_prefix}-api-gateway-logs"
  description = "API Gateway writes logs as it."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "api_gateway" {
  count = var.manage_api_gateway_account ? 1 : 0

  role       = aws_iam_role.api_gateway[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
