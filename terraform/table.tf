# The table of functions, filled in with the same placeholders as the embedded stack's. Which functions
# there are must be known before anything is made: so what AWS tells only afterwards, and passwords,
# which would make the whole table a secret, are filled in once it is read.

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
  account   = data.aws_caller_identity.current.account_id
  in_region = "${local.region}:${local.account}"

  signer_role_arn = local.is_in_s3 ? "arn:${local.partition}:iam::${local.account}:role/${var.name_prefix}-signer" : var.external_object_store.role_arn

  late_names = [
    "DatabaseHost", "RedisHost", "DatabaseSecretArn", "DatabasePassword", "RedisPassword", "RedisSentinelPassword",
    "ObjectStoreAccessKey", "ObjectStoreSecretKey",
  ]

  table = yamldecode(templatefile("${path.module}/../functions.yaml", merge(
    { for name in local.late_names : name => "late.${name}" },
    {
      Partition                 = local.partition
      Region                    = local.region
      AccountId                 = local.account
      NamePrefix                = var.name_prefix
      DatabasePort              = local.database_address.port
      DatabaseName              = local.database_address.name
      DatabaseUser              = local.database_address.user
      DatabaseSslMode           = local.database_address.sslmode
      DatabaseSslRootCert       = startswith(local.database_address.sslmode, "verify-") ? local.database_address.sslrootcert : ""
      RedisPort                 = local.cache_address.port
      RedisTls                  = local.cache_address.tls
      RedisCa                   = local.cache_address.ca == null ? "" : local.cache_address.ca
      RedisUsername             = local.cache_address.username
      RedisCluster              = local.cache_address.cluster
      RedisSentinels            = join(",", local.cache_address.sentinels)
      RedisSentinelService      = local.cache_address.sentinel_service
      DataBucket                = local.data_bucket
      UploadBucket              = local.upload_bucket
      ManifestBucket            = local.manifest_bucket
      DataBucketArn             = local.is_in_s3 ? "arn:${local.partition}:s3:::${local.data_bucket}" : local.elsewhere
      UploadBucketArn           = local.is_in_s3 ? "arn:${local.partition}:s3:::${local.upload_bucket}" : local.elsewhere
      ManifestBucketArn         = "arn:${local.partition}:s3:::${local.manifest_bucket}"
      ObjectStoreEndpoint       = local.object_store.endpoint
      ObjectStorePublicEndpoint = local.object_store.public_endpoint
      ObjectStoreRegion         = local.object_store.region
      SignerRoleArn             = local.signer_role_arn
      FunctionArnPrefix         = "arn:${local.partition}:lambda:${local.in_region}:function:${var.name_prefix}-"
      StateMachineArnPrefix     = "arn:${local.partition}:states:${local.in_region}:stateMachine:${var.name_prefix}-"
      ExecutionArnPrefix        = "arn:${local.partition}:states:${local.in_region}:execution:${var.name_prefix}-"
      ComparisonsPerSecond      = format("%d", var.comparisons_per_second)
      EncryptionsPerSecond      = var.encryptions_per_second
      ChunkMinSeconds           = var.chunk_min_seconds
      SmallRunMaxSeconds        = var.small_run_max_seconds
      CompareConcurrency        = local.compare.concurrency
      CompareMemoryMb           = local.compare.memory_mb
      OfferUploadCredentials    = local.offer_upload_credentials
      UploadCredentialsSeconds  = var.upload_credentials_seconds
      AllowPrivateObjectStores  = var.allow_private_object_stores
      LogLevel                  = var.log_level
      Tracing                   = var.tracing_enabled
    },
  )))

  # The original's client signs for us-east-1 whatever the bucket's region: elsewhere it is better
  # told no, for then it uploads through the API.
  offer_upload_credentials = coalesce(var.offer_upload_credentials, local.object_store.region == "us-east-1")

  late_hosts = {
    "late.DatabaseHost"      = local.database_address.host
    "late.RedisHost"         = local.cache_address.host
    "late.DatabaseSecretArn" = var.secrets_at_run_time ? local.database_secret.arn : ""
  }
  late_secrets = {
    "late.DatabasePassword"      = var.secrets_at_run_time ? "" : local.database_password
    "late.RedisPassword"         = local.cache_password
    "late.RedisSentinelPassword" = var.external_cache_sentinel_password

    "late.ObjectStoreAccessKey" = local.is_in_s3 ? "" : var.external_object_store_keys.access_key
    "late.ObjectStoreSecretKey" = local.is_in_s3 ? "" : var.external_object_store_keys.secret_key
  }

  environment = merge(
    {
      for name, value in local.table.environment :
      name => lookup(local.late_hosts, tostring(value), tostring(value)) if !contains(keys(local.late_secrets), tostring(value))
    },
    var.environment,
  )
  secret_environment = {
    for name, value in local.table.environment :
    name => local.late_secrets[tostring(value)] if contains(keys(local.late_secrets), tostring(value))
  }

  # In a store of one's own its keys decide who may do what, and IAM knows of nothing there.
  elsewhere = "elsewhere"
  policies = {
    for name, function in local.table.functions : name => [
      for statement in function.policy : merge(statement, {
        resources = [for resource in statement.resources : resource if !startswith(resource, local.elsewhere)]
      })
      if anytrue([for resource in statement.resources : !startswith(resource, local.elsewhere)]) && (local.is_in_s3 || statement.actions != ["sts:AssumeRole"])
    ]
  }
  roles = { for name, role in local.table.roles : name => role if local.is_in_s3 }

  functions = {
    for name, function in local.table.functions : name => merge(
      function,
      { policy = local.policies[name] },
      { for key, value in try(var.function_overrides[name], {}) : key => value if value != null },
    )
  }
}
