output "api_url" {
  description = "What clients are given; the service's paths follow, such as /api/v1/status."
  value       = module.api.url
}

output "domain_target" {
  description = "What a record of the domain must point to, where its zone isn't here."
  value       = module.api.domain_target
}

output "rest_api_id" {
  description = "The REST API."
  value       = module.api.rest_api_id
}

output "data_bucket_name" {
  description = "Bucket of encodings, candidate pairs and results."
  value       = local.data_bucket
}

output "upload_bucket_name" {
  description = "Bucket that clients write to."
  value       = local.upload_bucket
}

output "manifest_bucket_name" {
  description = "Bucket of what Step Functions reads and writes itself: the data bucket, unless that is in a store of one's own."
  value       = local.manifest_bucket
}

output "function_names" {
  description = "Functions in AWS, by their names in functions.yaml."
  value       = merge(module.functions.names, module.migrate.names)
}

output "state_machine_arns" {
  description = "State machines, by name."
  value       = module.workflow.arns
}

output "log_group_names" {
  description = "Log groups: of functions by name, of state machines with -states, and the API's access log."
  value = merge(
    module.functions.log_group_names,
    module.migrate.log_group_names,
    { for name, group in module.workflow.log_group_names : "${name}-states" => group },
    { api-access = module.api.access_log_group_name },
  )
}

output "permissions" {
  description = "What each function, assumed role and state machine (with -states) may do, as JSON, for review."
  value = merge(
    module.functions.policies,
    module.migrate.policies,
    { for name, policy in module.workflow.policies : "${name}-states" => policy },
  )
}

output "database_secret_arn" {
  description = "Secret with the database's user and password; null with an external database."
  value       = one(module.data[*].database_secret_arn)
}

output "layer_arns" {
  description = "Versions of the layers, by name, for functions beside the service's."
  value       = local.layer_arns
}

output "endpoint_policies" {
  description = "Policies for the interface endpoints of an existing network, by service, as JSON."
  value       = local.endpoint_policies
}

output "vpc_id" {
  description = "The functions' VPC; null if they are in none."
  value       = try(local.network.vpc_id, null)
}

output "dashboard_name" {
  description = "The dashboard in CloudWatch."
  value       = module.observability.dashboard_name
}

output "alarm_names" {
  description = "All alarms."
  value       = module.observability.alarm_names
}
