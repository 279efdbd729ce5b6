module "database_secret" {
  source = "./modules/secret"
  count  = local.has_database ? 1 : 0

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

locals {
  database_password = one(module.database_secret[*].password)
  cache_password    = one(module.cache_secret[*].password)
}
