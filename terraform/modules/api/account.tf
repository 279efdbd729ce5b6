# The role by which API Gateway writes logs: one for all APIs of an account and region, so only one
# stack may hold it. It stays set when that stack goes, and then points to a role that is gone.

resource "aws_api_gateway_account" "this" {
  count = var.manage_account ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.account[0].arn

  depends_on = [aws_iam_role_policy_attachment.account]
}

resource "aws_iam_role" "account" {
  count = var.manage_account ? 1 : 0

  name = "${var.name_prefix}-api-gateway-logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# API Gateway checks for this policy's permissions when the role is set.
resource "aws_iam_role_policy_attachment" "account" {
  count = var.manage_account ? 1 : 0

  role       = aws_iam_role.account[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
