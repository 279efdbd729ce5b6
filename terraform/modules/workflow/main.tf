# The state machines of one folder of templates. A running execution keeps the definition it began
# with, and by the versions in function_arns the code, too.

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  states    = "arn:${local.partition}:states:${data.aws_region.current.name}:${local.account}"

  # link_small's is LinkSmallFunctionArn.
  function_placeholders = {
    for name, arn in var.function_arns :
    "${join("", [for word in split("_", name) : title(word)])}FunctionArn" => arn
  }
  definitions = {
    for name, machine in var.state_machines : name => templatefile(
      machine.template, merge(var.placeholders, local.function_placeholders, { Partition = local.partition })
    )
  }

  # Only Distributed Maps have labels.
  map_labels = {
    for name, machine in var.state_machines :
    name => flatten(regexall("\"Label\": *\"([A-Za-z0-9]+)\"", file(machine.template)))
  }
}

resource "aws_sfn_state_machine" "this" {
  #checkov:skip=CKV_AWS_285:It logs; the check wants execution data in the logs, too
  for_each = var.state_machines

  name       = "${var.name_prefix}-${each.key}"
  role_arn   = aws_iam_role.this[each.key].arn
  type       = "STANDARD"
  definition = local.definitions[each.key]

  logging_configuration {
    level                  = var.log_level
    include_execution_data = false # ids only, but errors may quote clients
    log_destination        = "${aws_cloudwatch_log_group.this[each.key].arn}:*"
  }

  tracing_configuration {
    enabled = var.tracing_enabled
  }

  # Step Functions tries the role's permissions to log when the state machine is made.
  depends_on = [aws_iam_role_policy.this]
}

# The prefix keeps them out of CloudWatch's resource policy, which holds 5,120 characters.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:kms_key_arn is optional, as one costs a dollar a month
  #checkov:skip=CKV_AWS_338:log_retention_days is the operator's choice
  for_each = var.state_machines

  name              = "/aws/vendedlogs/states/${var.name_prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "this" {
  for_each = var.state_machines

  name = "${var.name_prefix}-${each.key}-states"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  #checkov:skip=CKV_AWS_290:Log delivery and traces know no resources
  #checkov:skip=CKV_AWS_355:As above
  for_each = var.state_machines

  name   = "own"
  role   = aws_iam_role.this[each.key].id
  policy = local.policies[each.key]
}
