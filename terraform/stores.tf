# Where the stores are: ours, or others'.

locals {
  is_in_s3       = var.external_object_store == null
  makes_buckets  = var.existing_buckets == null
  makes_database = var.external_database == null
  makes_cache    = var.external_cache == null

  made_buckets = {
    data    = coalesce(var.data_bucket_name, "${var.name_prefix}-data-${local.account}-${local.region}")
    uploads = coalesce(var.upload_bucket_name, "${var.name_prefix}-uploads-${local.account}-${local.region}")
  }
  buckets_in_s3 = local.makes_buckets ? local.made_buckets : var.existing_buckets
  data_bucket   = local.is_in_s3 ? local.buckets_in_s3.data : var.external_object_store.data_bucket
  upload_bucket = local.is_in_s3 ? local.buckets_in_s3.uploads : var.external_object_store.upload_bucket

  # Step Functions reads no other store than S3.
  manifest_bucket = local.is_in_s3 ? local.data_bucket : "${var.name_prefix}-manifests-${local.account}-${local.region}"
  s3_buckets      = local.is_in_s3 ? [local.data_bucket, local.upload_bucket] : [local.manifest_bucket]

  object_store = local.is_in_s3 ? { endpoint = "", public_endpoint = "", region = local.region } : {
    endpoint        = var.external_object_store.endpoint
    public_endpoint = coalesce(var.external_object_store.public_endpoint, var.external_object_store.endpoint)
    region          = var.external_object_store.region
  }

  # Everything but the hosts is known before anything is made.
  database_address = local.makes_database ? {
    host    = module.data[0].database.host
    port    = 5432
    name    = lookup(local.database, "name", "anonlink")
    user    = lookup(local.database, "user", "anonlink")
    sslmode = lookup(local.database, "sslmode", "require")

    sslrootcert = local.ca_bundle
    } : {
    host    = var.external_database.host
    port    = var.external_database.port
    name    = var.external_database.name
    user    = var.external_database.user
    sslmode = var.external_database.sslmode

    sslrootcert = coalesce(var.external_database.sslrootcert, local.ca_bundle)
  }
  cache_address = local.makes_cache ? {
    host             = module.data[0].cache.host
    port             = 6379
    tls              = true
    ca               = null
    username         = ""
    cluster          = false
    sentinels        = tolist([])
    sentinel_service = ""
  } : var.external_cache

  # Where Lambda unpacks what make package was given as CA_BUNDLE.
  ca_bundle = "/opt/ca.pem"

  # Read by the functions themselves, with secrets_at_run_time.
  database_secret = !var.secrets_at_run_time ? null : local.makes_database ? {
    arn         = module.data[0].database_secret_arn
    kms_key_arn = local.kms_key_arn
    } : {
    arn         = var.external_database.secret_arn
    kms_key_arn = var.external_database.secret_kms_key_arn
  }

  database_password = local.makes_database ? module.data[0].database_password : var.external_database_password
  cache_password    = local.makes_cache ? module.data[0].cache_password : var.external_cache_password
}

module "storage" {
  source = "./modules/storage"
  count  = local.makes_buckets ? 1 : 0

  data_bucket_name       = local.is_in_s3 ? local.data_bucket : null
  upload_bucket_name     = local.is_in_s3 ? local.upload_bucket : null
  manifest_bucket_name   = local.is_in_s3 ? null : local.manifest_bucket
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
  password_managed           = var.secrets_at_run_time
  kms_key_arn                = local.kms_key_arn
  deletion_protection        = var.deletion_protection
  apply_immediately          = !var.deletion_protection
  log_retention_days         = local.log_retention_days
}
