output "url" {
  description = "What the service's paths follow, such as /api/v1/status."
  value       = local.has_domain ? "https://${var.domain.name}" : aws_api_gateway_stage.this.invoke_url
}

output "rest_api_id" {
  description = "The REST API."
  value       = aws_api_gateway_rest_api.this.id
}

output "rest_api_name" {
  description = "The REST API's name, for its metrics."
  value       = aws_api_gateway_rest_api.this.name
}

output "stage_name" {
  description = "The stage, for its metrics."
  value       = aws_api_gateway_stage.this.stage_name
}

output "domain_target" {
  description = "What a record of the domain must point to, where the zone isn't here; null without a domain."
  value       = one(aws_api_gateway_domain_name.this[*].regional_domain_name)
}

output "access_log_group_name" {
  description = "One line a request."
  value       = aws_cloudwatch_log_group.access.name
}
