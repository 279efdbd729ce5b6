output "arn" {
  description = "The secret."
  value       = aws_secretsmanager_secret.this.arn
}

output "password" {
  description = "The password."
  value       = jsondecode(aws_secretsmanager_secret_version.this.secret_string).password
  sensitive   = true
}
