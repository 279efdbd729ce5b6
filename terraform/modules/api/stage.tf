resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # All that a deployment freezes: routes of the service are none of it.
  triggers = {
    configuration = sha256(jsonencode([
      var.function_arn,
      local.responses,
      var.private_vpc_endpoint_ids,
      aws_api_gateway_rest_api.this.binary_media_types,
      aws_api_gateway_resource.proxy.path_part,
      values(aws_api_gateway_method.any)[*].http_method,
      values(aws_api_gateway_integration.function)[*].timeout_milliseconds,
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [
    aws_api_gateway_integration.function,
    aws_api_gateway_gateway_response.this,
    aws_api_gateway_rest_api_policy.private,
  ]
}

resource "aws_api_gateway_stage" "this" {
  #checkov:skip=CKV_AWS_120:Answers depend on tokens, so a cache would tell secrets
  #checkov:skip=CKV2_AWS_29:waf_enabled is optional
  #checkov:skip=CKV2_AWS_51:Parties have tokens, not certificates
  #checkov:skip=CKV2_AWS_77:waf_enabled brings the rules for known bad inputs
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage_name
  xray_tracing_enabled = var.tracing_enabled

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({ # no headers and no query: they hold tokens
      request_id          = "$context.requestId"
      time                = "$context.requestTime"
      source_ip           = "$context.identity.sourceIp"
      method              = "$context.httpMethod"
      path                = "$context.path"
      status              = "$context.status"
      response_bytes      = "$context.responseLength"
      milliseconds        = "$context.responseLatency"
      integration_status  = "$context.integration.status"
      integration_error   = "$context.integration.error"
      gateway_response    = "$context.error.responseType"
      web_acl_status      = "$context.waf.status"
      function_request_id = "$context.integration.requestId"
    })
  }

  # Logging fails to be switched on while the account's role isn't set.
  depends_on = [aws_api_gateway_account.this]
}

resource "aws_api_gateway_method_settings" "all" {
  #checkov:skip=CKV_AWS_225:Answers depend on tokens, so a cache would tell secrets
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = var.throttle_rate
    throttling_burst_limit = var.throttle_burst
    metrics_enabled        = true
    logging_level          = var.execution_log_level
    data_trace_enabled     = false # it would log tokens
    caching_enabled        = false
  }

  depends_on = [aws_cloudwatch_log_group.execution]
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158:kms_key_arn is optional, as one costs a dollar a month
  #checkov:skip=CKV_AWS_338:log_retention_days is the operator's choice
  name              = "/aws/apigateway/${var.name_prefix}/access"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# API Gateway would make it at its first line, and keep everything for ever.
resource "aws_cloudwatch_log_group" "execution" {
  #checkov:skip=CKV_AWS_158:kms_key_arn is optional, as one costs a dollar a month
  #checkov:skip=CKV_AWS_338:log_retention_days is the operator's choice
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/${var.stage_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
