output "arns" {
  description = "ARN of each state machine."
  value       = { for name, machine in aws_sfn_state_machine.this : name => machine.arn }
}

output "log_group_names" {
  description = "Log group of each state machine."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => group.name }
}

output "policies" {
  description = "What each state machine may do, as JSON, for review."
  value       = local.policies
}

output "definitions" {
  description = "Each state machine's definition as deployed."
  value       = local.definitions
}
