# What API Gateway answers without asking the function, in the form of the service's own errors
# (RFC 9457). Clients of this service retry 503 and nothing else: what passes by itself is a 503.

locals {
  again = { "gatewayresponse.header.Retry-After" = "'5'" }

  responses = {
    REQUEST_TOO_LARGE = {
      status  = 413
      title   = "Content Too Large"
      detail  = "A request carries at most about 5 MB. Larger data go straight to the object store: POST .../uploads, or GET .../authorize-external-upload."
      headers = {}
    }
    THROTTLED = {
      status  = 503
      title   = "Service Unavailable"
      detail  = "Too many requests at a time, try again shortly"
      headers = local.again
    }
    INTEGRATION_TIMEOUT = {
      status  = 503
      title   = "Service Unavailable"
      detail  = "The service took too long to answer, try again shortly"
      headers = local.again
    }
    INTEGRATION_FAILURE = {
      status  = 503
      title   = "Service Unavailable"
      detail  = "The service could not answer, try again shortly"
      headers = local.again
    }
    WAF_FILTERED = {
      status  = 403
      title   = "Forbidden"
      detail  = "The request was refused by the firewall"
      headers = {}
    }
    UNSUPPORTED_MEDIA_TYPE = {
      status  = 415
      title   = "Unsupported Media Type"
      detail  = "The content type is not supported"
      headers = {}
    }
    # The rest: the status is API Gateway's own, which a template can't name.
    DEFAULT_4XX = { status = null, title = "Request refused", detail = null, headers = {} }
    DEFAULT_5XX = { status = null, title = "Internal error", detail = null, headers = {} }
  }
}

resource "aws_api_gateway_gateway_response" "this" {
  for_each = local.responses

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = each.value.status

  # The key of the template is what API Gateway falls back to, whatever a client accepts; what it
  # is comes from the header.
  response_templates = {
    "application/json" = each.value.status == null ? join("", [
      "{\"type\":\"about:blank\",\"title\":${jsonencode(each.value.title)},\"detail\":$context.error.messageString}",
      ]) : jsonencode({
      type   = "about:blank"
      title  = each.value.title
      status = each.value.status
      detail = each.value.detail
    })
  }
  response_parameters = merge(
    { "gatewayresponse.header.Content-Type" = "'application/problem+json'" }, each.value.headers
  )
}
