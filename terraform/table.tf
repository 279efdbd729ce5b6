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

  signer_role_arn = "arn:${local.partition}:iam::${local.account}:role/${var.name_prefix}-signer"

  late_names = ["DatabaseHost", "RedisHost", "DatabasePassword", "RedisPassword"]

  table = yamldecode(templatefile("${path.module}/../functions.yaml", merge(
    { for name in local.late_names : name => "late.${name}" },
    {
      Partition                = local.partition
      Region                   = local.region
      AccountId                = local.account
      NamePrefix               = var.name_prefix
      DatabasePort             = local.database_address.port
      DatabaseName             = local.database_address.name
      DatabaseUser             = local.database_address.user
      DatabaseSslMode          = local.database_address.sslmode
      RedisPort                = local.cache_address.port
      RedisTls                 = local.cache_address.tls
      DataBucket               = local.data_bucket
      UploadBucket             = local.upload_bucket
      DataBucketArn            = "arn:${local.partition}:s3:::${local.data_bucket}"
      UploadBucketArn          = "arn:${local.partition}:s3:::${local.upload_bucket}"
      SignerRoleArn            = local.signer_role_arn
      FunctionArnPrefix        = "arn:${local.partition}:lambda:${local.in_region}:function:${var.name_prefix}-"
      StateMachineArnPrefix    = "arn:${local.partition}:states:${local.in_region}:stateMachine:${var.name_prefix}-"
      ExecutionArnPrefix       = "arn:${local.partition}:states:${local.in_region}:execution:${var.name_prefix}-"
      ComparisonsPerSecond     = format("%d", var.comparisons_per_second)
      ChunkMinSeconds          = var.chunk_min_seconds
      SmallRunMaxSeconds       = var.small_run_max_seconds
      CompareConcurrency       = local.compare.concurrency
      CompareMemoryMb          = local.compare.memory_mb
      OfferUploadCredentials   = local.offer_upload_credentials
      UploadCredentialsSeconds = var.upload_credentials_seconds
      AllowPrivateObjectStores = var.allow_private_object_stores
      LogLevel                 = var.log_level
    },
  )))

  # The original's client signs for us-east-1 whatever the bucket's region: elsewhere it is better
  # told no, for then it uploads through the API.
  offer_upload_credentials = coalesce(var.offer_upload_credentials, local.region == "us-east-1")

  late_hosts = {
    "late.DatabaseHost" = local.database_address.host
    "late.RedisHost"    = local.cache_address.host
  }
  late_secrets = {
    "late.DatabasePassword" = local.database_password
    "late.RedisPassword"    = local.cache_password
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

  functions = {
    for name, function in local.table.functions : name => merge(
      function,
      { for key, value in try(var.function_overrides[name], {}) : key => value if value != null },
    )
  }
}
