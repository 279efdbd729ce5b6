module "database_secret" {
  source = "./modules/secret"
  count  = local.has_database && !var.password_managed ? 1 : 0

  name                 = "${var.name_prefix}-database"
  description          = "The database's user."
  username             = var.database.user
  password_version     = var.password_version
  kms_key_arn          = var.kms_key_arn
  recovery_window_days = var.deletion_protection ? 30 : 0
}

module "cache_secret" {
  source = "./modules/secret"
  count  = local.has_cache ? 1 : 0

  name                 = "${var.name_prefix}-cache"
  description          = "The cache's AUTH token."
  username             = "default"
  password_version     = var.password_version
  kms_key_arn          = var.kms_key_arn
  recovery_window_days = var.deletion_protection ? 30 : 0
}

# An instance that begins to manage its password has no secret in the plan, as the provider plans it: so it is
# asked once it has changed.
data "aws_db_instance" "managed" {
  count = local.has_database && var.password_managed ? 1 : 0

  db_instance_identifier = aws_db_instance.this[0].identifier

  depends_on = [aws_db_instance.this]
}

locals {
  # RDS's own, where it manages the password.
  database_secret_arn = one(concat(data.aws_db_instance.managed[*].master_user_secret[0].secret_arn, module.database_secret[*].arn))

  database_password = one(module.database_secret[*].password)
  cache_password    = one(module.cache_secret[*].password)
}
