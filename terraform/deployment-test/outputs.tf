output "results_bucket_name" {
  description = "Bucket that gets results.xml, and each module's results and output below results/."
  value       = aws_s3_bucket.results.id
}

output "state_machine_arn" {
  description = "The state machine that runs the suite."
  value       = module.suite_workflow.arns["tests"]
}

output "rest_api_id" {
  description = "The REST API, whose execution log is named by it."
  value       = module.anonlink.rest_api_id
}
