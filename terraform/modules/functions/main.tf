# Every function of one table: its log group, its role with exactly the table's permissions, itself.
# ARNs follow from names, so that functions and state machines can name each other without a cycle.

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  account   = data.aws_caller_identity.current.account_id

  function_arns = {
    for name in keys(var.functions) :
    name => "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name_prefix}-${name}"
  }
}

# Waits for what must be there before the functions' code changes: the database's schema.
resource "terraform_data" "prerequisite" {
  input = var.prerequisite
}

# Before the functions: Lambda would make groups that keep everything for ever.
resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:kms_key_arn is optional, as one costs a dollar a month
  #checkov:skip=CKV_AWS_338:log_retention_days is the operator's choice
  for_each = var.functions

  name              = "/aws/lambda/${var.name_prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:A new account has no concurrency to reserve; the table may
  #checkov:skip=CKV_AWS_116:What is called asynchronously has a destination for failures
  #checkov:skip=CKV_AWS_117:In a VPC wherever it has something to reach there
  #checkov:skip=CKV_AWS_173:kms_key_arn is optional, as one costs a dollar a month
  #checkov:skip=CKV_AWS_272:code_signing_config_arn is optional
  for_each = var.functions

  function_name = "${var.name_prefix}-${each.key}"
  description   = each.value.description
  role          = aws_iam_role.function[each.key].arn

  handler                 = each.value.handler
  runtime                 = var.runtime
  architectures           = [var.architecture]
  filename                = var.package_path
  source_code_hash        = filebase64sha256(var.package_path)
  layers                  = [for layer in each.value.layers : var.layer_arns[layer]]
  code_signing_config_arn = var.code_signing_config_arn

  # With a version each, an execution that has begun keeps the code it began with.
  publish = var.publish_versions

  memory_size                    = each.value.memory_mb
  timeout                        = each.value.timeout_seconds
  reserved_concurrent_executions = each.value.concurrency

  ephemeral_storage {
    size = each.value.ephemeral_storage_mb
  }

  environment {
    variables = merge(var.environment, each.value.environment, var.secret_environment)
  }
  kms_key_arn = var.kms_key_arn

  tracing_config {
    mode = var.tracing_enabled ? "Active" : "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.vpc_config[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [
    aws_cloudwatch_log_group.function,
    aws_iam_role_policy.function,
    terraform_data.prerequisite,
  ]
}
