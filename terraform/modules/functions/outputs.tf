output "arns" {
  description = "ARN of each function, by its name in the table."
  value       = { for name, function in aws_lambda_function.this : name => function.arn }
}

output "qualified_arns" {
  description = "ARN of each function's newest version; the function's own where versions aren't published."
  value = {
    for name, function in aws_lambda_function.this :
    name => var.publish_versions ? function.qualified_arn : function.arn
  }
}

output "names" {
  description = "Name of each function in AWS, by its name in the table."
  value       = { for name, function in aws_lambda_function.this : name => function.function_name }
}

output "log_group_names" {
  description = "Log group of each function."
  value       = { for name, group in aws_cloudwatch_log_group.function : name => group.name }
}

output "role_arns" {
  description = "Role of each function."
  value       = { for name, role in aws_iam_role.function : name => role.arn }
}

output "policies" {
  description = "What each function and role may do, as JSON, for review."
  value       = merge(local.function_policies, local.role_policies)
}

output "failures_queue_name" {
  description = "Queue that keeps failed calls of scheduled functions; null if nothing is scheduled."
  value       = one(aws_sqs_queue.failures[*].name)
}
