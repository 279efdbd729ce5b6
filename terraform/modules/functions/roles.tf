# One role a function, and the roles that functions assume to hand out something narrower.

resource "aws_iam_role" "function" {
  for_each = var.functions

  name        = "${var.name_prefix}-${each.key}"
  description = each.value.description
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  #checkov:skip=CKV_AWS_290:Network interfaces and traces know no resources
  #checkov:skip=CKV_AWS_355:As above
  for_each = var.functions

  name   = "own"
  role   = aws_iam_role.function[each.key].id
  policy = local.function_policies[each.key]
}

resource "aws_iam_role" "assumed" {
  for_each = var.roles

  name                 = "${var.name_prefix}-${each.key}"
  description          = each.value.description
  max_session_duration = each.value.max_session_seconds
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = [for caller in each.value.assumed_by : aws_iam_role.function[caller].arn] }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "assumed" {
  for_each = var.roles

  name   = "own"
  role   = aws_iam_role.assumed[each.key].id
  policy = local.role_policies[each.key]
}
