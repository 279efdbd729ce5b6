# Every request reaches the function, and what doesn't is answered in the service's own form.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix   = "test"
  function_name = "test-api"
  function_arn  = "arn:aws:lambda:eu-west-1:123456789012:function:test-api"
}

run "every_path_and_method_reaches_the_function" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = toset(values(aws_api_gateway_method.any)[*].resource_id) == toset([aws_api_gateway_rest_api.this.root_resource_id, aws_api_gateway_resource.proxy.id]) && aws_api_gateway_resource.proxy.path_part == "{proxy+}"
    error_message = "The greedy path doesn't match the root: both are needed."
  }

  assert {
    condition     = alltrue([for method in aws_api_gateway_method.any : method.http_method == "ANY" && method.authorization == "NONE"])
    error_message = "The service checks tokens itself, in a header that API Gateway would take for its own."
  }

  assert {
    condition = alltrue([
      for integration in aws_api_gateway_integration.function :
      integration.type == "AWS_PROXY" && integration.integration_http_method == "POST" &&
      integration.uri == "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:test-api/invocations"
    ])
    error_message = "Both hand the request to the function."
  }

  assert {
    condition     = aws_api_gateway_rest_api.this.binary_media_types == tolist(["application/octet-stream"])
    error_message = "JSON must arrive as text."
  }

  assert {
    condition     = aws_lambda_permission.api.source_arn == "${aws_api_gateway_rest_api.this.execution_arn}/*"
    error_message = "This API may call the function, and no other."
  }
}

run "its_own_answers_are_problems" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = alltrue([for response in aws_api_gateway_gateway_response.this : response.response_parameters["gatewayresponse.header.Content-Type"] == "'application/problem+json'"])
    error_message = "RFC 9457 has a content type of its own."
  }

  assert {
    condition = alltrue([
      for response in aws_api_gateway_gateway_response.this :
      jsondecode(response.response_templates["application/json"]).status == tonumber(response.status_code) if response.status_code != null
    ])
    error_message = "A problem tells the status that it comes with."
  }

  assert {
    condition = alltrue([
      for type in ["DEFAULT_4XX", "DEFAULT_5XX"] :
      keys(jsondecode(replace(aws_api_gateway_gateway_response.this[type].response_templates["application/json"], "$context.error.messageString", "\"filled in\""))) == ["detail", "title", "type"]
    ])
    error_message = "Filled in, the templates must be JSON."
  }

  assert {
    condition = alltrue([
      for type in ["THROTTLED", "INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE"] :
      aws_api_gateway_gateway_response.this[type].status_code == "503" && can(aws_api_gateway_gateway_response.this[type].response_parameters["gatewayresponse.header.Retry-After"])
    ])
    error_message = "Clients retry 503 and nothing else."
  }

  assert {
    condition     = aws_api_gateway_gateway_response.this["REQUEST_TOO_LARGE"].status_code == "413" && strcontains(aws_api_gateway_gateway_response.this["REQUEST_TOO_LARGE"].response_templates["application/json"], "uploads")
    error_message = "Who sends too much is told the other way."
  }
}

run "nothing_secret_is_logged" {
  module {
    source = "./modules/api"
  }

  assert {
    condition     = !strcontains(lower(aws_api_gateway_stage.this.access_log_settings[0].format), "authori") && !strcontains(lower(aws_api_gateway_stage.this.access_log_settings[0].format), "header")
    error_message = "Tokens come in a header."
  }

  assert {
    condition     = aws_api_gateway_method_settings.all.settings[0].data_trace_enabled == false && aws_api_gateway_method_settings.all.settings[0].throttling_rate_limit == 20 && aws_api_gateway_method_settings.all.settings[0].throttling_burst_limit == 40
    error_message = "No data trace; throttled."
  }

  assert {
    condition     = length(aws_wafv2_web_acl.this) + length(aws_api_gateway_domain_name.this) + length(aws_api_gateway_rest_api_policy.private) == 0 && length(aws_api_gateway_account.this) == 1
    error_message = "Options are off, but for the role without which nothing is logged."
  }
}

run "behind_a_domain_and_a_firewall" {
  module {
    source = "./modules/api"
  }

  variables {
    domain      = { name = "linkage.example", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1", hosted_zone_id = "Z1" }
    waf_enabled = true
  }

  assert {
    condition     = aws_api_gateway_rest_api.this.disable_execute_api_endpoint && output.url == "https://linkage.example"
    error_message = "Nobody gets past the domain."
  }

  assert {
    condition     = aws_api_gateway_domain_name.this[0].security_policy == "TLS_1_2" && aws_api_gateway_base_path_mapping.this[0].base_path == null && aws_api_gateway_base_path_mapping.this[0].stage_name == "api"
    error_message = "TLS 1.2, no base path, a stage: else the path that the function sees is another."
  }

  assert {
    condition = [
      for rule in aws_wafv2_web_acl.this[0].rule : one(one(one(rule.statement).managed_rule_group_statement).rule_action_override[*].name)
      if rule.name == "common"
    ] == ["SizeRestrictions_BODY"]
    error_message = "The rule against bodies over 8 KB would refuse every upload."
  }

  assert {
    condition     = aws_wafv2_web_acl_association.this[0].resource_arn == aws_api_gateway_stage.this.arn
    error_message = "The firewall stands before the stage."
  }
}

run "private" {
  module {
    source = "./modules/api"
  }

  variables {
    private_vpc_endpoint_ids = ["vpce-1"]
    manage_account           = false
  }

  assert {
    condition     = one(aws_api_gateway_rest_api.this.endpoint_configuration).types == tolist(["PRIVATE"])
    error_message = "The API has no public address."
  }

  assert {
    condition     = jsondecode(aws_api_gateway_rest_api_policy.private[0].policy).Statement[0].Condition.StringEquals["aws:SourceVpce"] == ["vpce-1"]
    error_message = "Only the endpoint that is named gets in."
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 0
    error_message = "The account's role is another stack's."
  }
}

run "private_has_no_domain" {
  command = plan

  module {
    source = "./modules/api"
  }

  variables {
    private_vpc_endpoint_ids = ["vpce-1"]
    domain                   = { name = "linkage.example", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1" }
  }

  expect_failures = [aws_api_gateway_rest_api.this]
}
