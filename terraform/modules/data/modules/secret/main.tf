# A password that Secrets Manager makes and keeps. The functions read it from their environment, so
# it stands in the state: keep that in an encrypted bucket.

# Another word at each plan; only a new version of the secret takes it.
data "aws_secretsmanager_random_password" "this" {
  password_length     = 40
  exclude_punctuation = true # RDS and ElastiCache refuse most of it
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:A new version rotates it together with the functions that use it
  #checkov:skip=CKV_AWS_149:kms_key_arn is optional, as one costs a dollar a month
  name                    = var.name
  description             = var.description
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}

resource "terraform_data" "password_version" {
  input = var.password_version
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id = aws_secretsmanager_secret.this.id
  # RDS Proxy wants these names.
  secret_string = jsonencode({
    username = var.username
    password = data.aws_secretsmanager_random_password.this.random_password
  })

  lifecycle {
    ignore_changes       = [secret_string]
    replace_triggered_by = [terraform_data.password_version]
  }
}
