# Functions that run by the clock. A call that fails is not repeated, since the next one is near; it is
# kept in a queue, so that somebody sees it.

locals {
  scheduled     = { for name, function in var.functions : name => function if function.schedule != null }
  failures_name = "${var.name_prefix}-failures"
  failures_arn  = "arn:${local.partition}:sqs:${local.region}:${local.account}:${local.failures_name}"
}

resource "aws_sqs_queue" "failures" {
  count = length(local.scheduled) > 0 ? 1 : 0

  name                      = local.failures_name
  message_retention_seconds = 1209600 # 14 days, the most
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "failures" {
  count = length(local.scheduled) > 0 ? 1 : 0

  queue_url = aws_sqs_queue.failures[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.failures[0].arn
      Condition = { ArnEquals = { "aws:SourceArn" = values(aws_cloudwatch_event_rule.schedule)[*].arn } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.scheduled

  name                = "${var.name_prefix}-${each.key}"
  description         = each.value.description
  schedule_expression = each.value.schedule
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.scheduled

  rule      = aws_cloudwatch_event_rule.schedule[each.key].name
  target_id = each.key
  arn       = aws_lambda_function.this[each.key].arn

  dead_letter_config {
    arn = aws_sqs_queue.failures[0].arn
  }
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.scheduled

  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this[each.key].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}

resource "aws_lambda_function_event_invoke_config" "schedule" {
  for_each = local.scheduled

  function_name                = aws_lambda_function.this[each.key].function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60 # the least; the next call is as good

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failures[0].arn
    }
  }
}
