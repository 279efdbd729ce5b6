# Where the stores are: ours, or others'.

locals {
  makes_buckets  = var.existing_buckets == null
  makes_database = var.external_database == null
  makes_cache    = var.external_cache == null

  data_bucket   = local.makes_buckets ? coalesce(var.data_bucket_name, "${var.name_prefix}-data-${local.account}-${local.region}") : var.existing_buckets.data
  upload_bucket = local.makes_buckets ? coalesce(var.upload_bucket_name, "${var.name_prefix}-uploads-${local.account}-${local.region}") : var.existing_buckets.uploads

  # Everything but the hosts is known before anything is made.
  database_address = local.makes_database ? {
    host    = module.data[0].database.host
    port    = 5432
    name    = lookup(local.database, "name", "anonlink")
    user    = lookup(local.database, "user", "anonlink")
    sslmode = "require"
  } : var.external_database
  cache_address = local.makes_cache ? {
    host = module.data[0].cache.host
    port = 6379
    tls  = true
  } : var.external_cache

  database_password = local.makes_database ? module.data[0].database_password : var.external_database_password
  cache_password    = local.makes_cache ? module.data[0].cache_password : var.external_cache_password
}

module "storage" {
  source = "./modules/storage"
  count  = local.makes_buckets ? 1 : 0

  data_bucket_name       = local.data_bucket
  upload_bucket_name     = local.upload_bucket
  kms_key_arn            = local.kms_key_arn
  tls_only               = var.tls_only_buckets
  cors_allowed_origins   = var.cors_allowed_origins
  orphaned_upload_days   = var.orphaned_upload_days
  access_log_bucket_name = var.access_log_bucket_name
  force_destroy          = !var.deletion_protection
}

module "data" {
  source = "./modules/data"
  count  = local.makes_database || local.makes_cache ? 1 : 0

  name_prefix                = var.name_prefix
  vpc_id                     = local.network.vpc_id
  subnet_ids                 = local.network.store_subnet_ids
  function_security_group_id = local.network.function_security_group_id
  add_function_egress        = var.existing_network == null
  database                   = local.makes_database ? local.database : null
  cache                      = local.makes_cache ? local.cache : null
  password_version           = var.password_version
  kms_key_arn                = local.kms_key_arn
  deletion_protection        = var.deletion_protection
  apply_immediately          = !var.deletion_protection
  log_retention_days         = local.log_retention_days
}
