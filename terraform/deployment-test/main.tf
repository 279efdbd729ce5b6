# One trial: the whole service as it is deployed everywhere, of the smallest size, with a private API; and
# beside it the contract suite as functions of its own (suite.tf). All of it is made to be destroyed.

locals {
  partition    = data.aws_partition.current.partition
  account      = data.aws_caller_identity.current.account_id
  is_emulated  = nonsensitive(var.emulator != null)
  endpoint_url = local.is_emulated ? nonsensitive(var.emulator.endpoint_url) : null

  # An emulated function comes from no VPC, and so would be refused.
  private_vpc_endpoint_ids = local.is_emulated ? [] : [aws_vpc_endpoint.this["execute-api"].id]
}

data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}

provider "aws" {
  region = var.region

  skip_credentials_validation = local.is_emulated
  skip_metadata_api_check     = local.is_emulated
  s3_use_path_style           = local.is_emulated

  default_tags {
    tags = { Project = "anonlink", Trial = var.name_prefix }
  }
}

module "target" {
  source = "../modules/emulator"

  endpoint_url = local.endpoint_url
  name_prefix  = var.name_prefix
}

module "anonlink" {
  source = "../"

  name_prefix  = var.name_prefix
  size         = "small"
  package_path = var.packages.code
  layer_paths  = { for name, path in var.packages.layers : name => path if name != "tests" }

  deletion_protection        = false
  publish_versions           = false
  log_retention_days         = 1
  database                   = { backup_days = 1 } # the least that there is
  existing_network           = var.network
  manage_api_gateway_account = false
  private_vpc_endpoint_ids   = local.private_vpc_endpoint_ids

  # The suite's data are small, and yet must go all ways: a run whole in one function, and in chunks.
  chunk_min_seconds     = 0.02
  small_run_max_seconds = 0.1
  compare               = { concurrency = var.concurrency }

  create_network              = module.target.settings.create_network
  create_kms_key              = module.target.settings.create_kms_key
  tracing_enabled             = module.target.settings.tracing_enabled
  tls_only_buckets            = module.target.settings.tls_only_buckets
  allow_private_object_stores = module.target.settings.allow_private_object_stores
  upload_credentials_seconds  = module.target.settings.upload_credentials_seconds
  environment                 = module.target.settings.environment
  rest_api_tags               = module.target.settings.rest_api_tags

  external_database          = local.is_emulated ? merge(nonsensitive(var.emulator.database), { sslmode = "disable" }) : null
  external_database_password = try(var.emulator.database_password, "")
  external_cache             = local.is_emulated ? merge(nonsensitive(var.emulator.cache), { tls = false }) : null
  external_cache_password    = try(var.emulator.cache_password, "")
}
