# A REST API that hands every request to one function, which does the routing. What API Gateway
# answers by itself is in responses.tf.

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  is_private = length(var.private_vpc_endpoint_ids) > 0
  has_domain = var.domain != null

  integration_uri = join("", [
    "arn:${data.aws_partition.current.partition}:apigateway:${data.aws_region.current.name}:lambda:path/2015-03-31/functions/",
    var.function_arn, "/invocations",
  ])

  # Both are needed: the greedy path doesn't match the root.
  resources = {
    root  = aws_api_gateway_rest_api.this.root_resource_id
    proxy = aws_api_gateway_resource.proxy.id
  }
}

resource "aws_api_gateway_rest_api" "this" {
  name        = var.name_prefix
  description = "Privacy-preserving record linkage."
  tags        = var.rest_api_tags

  # JSON must not be among them: it would reach the function as base64, a third larger.
  binary_media_types = ["application/octet-stream"]

  # With a domain of its own, requests must not get past it (and what guards it).
  disable_execute_api_endpoint = local.has_domain

  endpoint_configuration {
    types            = [local.is_private ? "PRIVATE" : "REGIONAL"]
    vpc_endpoint_ids = local.is_private ? var.private_vpc_endpoint_ids : null
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = !(local.is_private && local.has_domain)
      error_message = "A private API has no domain: set domain or private_vpc_endpoint_ids, not both."
    }
  }
}

# A private API admits nobody unless its policy does.
resource "aws_api_gateway_rest_api_policy" "private" {
  count = local.is_private ? 1 : 0

  rest_api_id = aws_api_gateway_rest_api.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "execute-api:Invoke"
      Resource  = "${aws_api_gateway_rest_api.this.execution_arn}/*"
      Condition = { StringEquals = { "aws:SourceVpce" = var.private_vpc_endpoint_ids } }
    }]
  })
}

resource "aws_api_gateway_resource" "proxy" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  parent_id   = aws_api_gateway_rest_api.this.root_resource_id
  path_part   = "{proxy+}"
}

resource "aws_api_gateway_method" "any" {
  #checkov:skip=CKV_AWS_59:The service checks each request's token itself
  #checkov:skip=CKV2_AWS_53:The service validates requests itself, against its OpenAPI document
  for_each = toset(["root", "proxy"])

  rest_api_id   = aws_api_gateway_rest_api.this.id
  resource_id   = local.resources[each.key]
  http_method   = "ANY"
  authorization = "NONE"

  # The function finds the route by it: event.path holds the base path of a domain, too.
  request_parameters = each.key == "proxy" ? { "method.request.path.proxy" = true } : {}
}

resource "aws_api_gateway_integration" "function" {
  for_each = toset(["root", "proxy"])

  rest_api_id             = aws_api_gateway_rest_api.this.id
  resource_id             = local.resources[each.key]
  http_method             = aws_api_gateway_method.any[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = local.integration_uri
  timeout_milliseconds    = 29000
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api-gateway"
  action        = "lambda:InvokeFunction"
  function_name = var.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/*"
}
