# The same root module against the embedded stack's emulator, with its Postgres and Redis. What the
# emulator can't do, modules/emulator switches off. localstack/README.md says how to start it.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6.0"
    }
  }
}

provider "aws" {
  region     = "us-east-1"
  access_key = "test" # the emulator's root user
  secret_key = "test"

  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true

  endpoints {
    apigateway     = var.endpoint_url
    cloudwatch     = var.endpoint_url
    cloudwatchlogs = var.endpoint_url
    ec2            = var.endpoint_url
    eventbridge    = var.endpoint_url
    iam            = var.endpoint_url
    kms            = var.endpoint_url
    lambda         = var.endpoint_url
    s3             = var.endpoint_url
    servicequotas  = var.endpoint_url
    sfn            = var.endpoint_url
    sqs            = var.endpoint_url
    sts            = var.endpoint_url
  }
}

module "target" {
  source = "../../modules/emulator"

  endpoint_url = var.endpoint_url
  name_prefix  = var.name_prefix
}

module "anonlink" {
  source = "../.."

  name_prefix         = var.name_prefix
  deletion_protection = false

  package_path = var.package_path
  layer_paths  = var.layer_paths

  create_network              = module.target.settings.create_network
  create_kms_key              = module.target.settings.create_kms_key
  tracing_enabled             = module.target.settings.tracing_enabled
  tls_only_buckets            = module.target.settings.tls_only_buckets
  allow_private_object_stores = module.target.settings.allow_private_object_stores
  upload_credentials_seconds  = module.target.settings.upload_credentials_seconds
  environment                 = module.target.settings.environment
  rest_api_tags               = module.target.settings.rest_api_tags

  external_database          = merge(var.database, { sslmode = "disable" })
  external_database_password = var.database_password
  external_cache             = merge(var.cache, { tls = false })
  external_cache_password    = var.cache_password

  compare                = { concurrency = var.concurrency }
  comparisons_per_second = 120000000
  chunk_min_seconds      = 0.02
  small_run_max_seconds  = 0.1
}
