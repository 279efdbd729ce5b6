# The whole service. Order of an upgrade: the schema is migrated by the new code, then the other
# functions change, then the state machines that call them. Whoever runs meanwhile sees a newer schema
# than its code knows, never an older one.

locals {
  package_path = coalesce(var.package_path, "${path.module}/../build/deployment.zip")
  layer_paths = coalesce(var.layer_paths, {
    base    = "${path.module}/../build/layer-base.zip"
    linking = "${path.module}/../build/layer-linking.zip"
  })

  layer_arns = { for name, layer in aws_lambda_layer_version.this : name => layer.arn }

  migrations_dir = "${path.module}/../chalicelib/storage/migrations"
  migrations_hash = sha256(join("", [
    for file in sort(fileset(local.migrations_dir, "*.sql")) : filesha256("${local.migrations_dir}/${file}")
  ]))
}

resource "aws_lambda_layer_version" "this" {
  for_each = local.layer_paths

  layer_name               = "${var.name_prefix}-${each.key}"
  description              = "Dependencies: ${each.key}."
  filename                 = each.value
  source_code_hash         = filebase64sha256(each.value)
  compatible_runtimes      = [var.runtime]
  compatible_architectures = [var.architecture]
}

module "migrate" {
  source = "./modules/functions"

  name_prefix             = var.name_prefix
  functions               = { for name, function in local.functions : name => function if name == "migrate" }
  package_path            = local.package_path
  layer_arns              = local.layer_arns
  environment             = local.environment
  secret_environment      = local.secret_environment
  database_secret         = local.database_secret
  vpc_config              = local.vpc_config
  runtime                 = var.runtime
  architecture            = var.architecture
  publish_versions        = false
  tracing_enabled         = var.tracing_enabled
  log_retention_days      = local.log_retention_days
  kms_key_arn             = local.kms_key_arn
  code_signing_config_arn = var.code_signing_config_arn
}

# Fails the apply if a migration fails: the other functions then stay as they were.
resource "aws_lambda_invocation" "migrate" {
  function_name = module.migrate.names["migrate"]
  input         = jsonencode({})
  triggers = {
    migrations = local.migrations_hash
    database   = local.database_address.host
    user       = local.database_address.user # whose sessions it limits
  }

  depends_on = [module.migrate]
}

module "functions" {
  source = "./modules/functions"

  name_prefix             = var.name_prefix
  functions               = { for name, function in local.functions : name => function if name != "migrate" }
  roles                   = local.roles
  package_path            = local.package_path
  layer_arns              = local.layer_arns
  environment             = local.environment
  secret_environment      = local.secret_environment
  database_secret         = local.database_secret
  vpc_config              = local.vpc_config
  runtime                 = var.runtime
  architecture            = var.architecture
  publish_versions        = var.publish_versions
  tracing_enabled         = var.tracing_enabled
  log_retention_days      = local.log_retention_days
  kms_key_arn             = local.kms_key_arn
  code_signing_config_arn = var.code_signing_config_arn
  prerequisite            = aws_lambda_invocation.migrate.id
}

module "workflow" {
  source = "./modules/workflow"

  name_prefix = var.name_prefix
  state_machines = {
    for name, functions in local.table.state_machines :
    name => { template = "${path.module}/../stepfunctions/${name}.asl.json", functions = functions }
  }
  function_arns       = module.functions.qualified_arns
  placeholders        = { CompareConcurrency = local.compare.concurrency }
  manifest_bucket_arn = "arn:${local.partition}:s3:::${local.manifest_bucket}"
  log_level           = var.state_machine_log_level
  tracing_enabled     = var.tracing_enabled
  log_retention_days  = local.log_retention_days
  kms_key_arn         = local.kms_key_arn
}

module "api" {
  source = "./modules/api"

  name_prefix              = var.name_prefix
  function_name            = module.functions.names["api"]
  function_arn             = module.functions.arns["api"]
  throttle_rate            = local.throttle.rate
  throttle_burst           = local.throttle.burst
  domain                   = var.domain
  private_vpc_endpoint_ids = var.private_vpc_endpoint_ids
  waf_enabled              = var.waf_enabled
  manage_account           = var.manage_api_gateway_account
  rest_api_tags            = var.rest_api_tags
  tracing_enabled          = var.tracing_enabled
  log_retention_days       = local.log_retention_days
  kms_key_arn              = local.kms_key_arn
}

module "observability" {
  source = "./modules/observability"

  name_prefix                    = var.name_prefix
  metric_namespace               = local.environment["POWERTOOLS_METRICS_NAMESPACE"]
  service_name                   = local.environment["POWERTOOLS_SERVICE_NAME"]
  function_names                 = module.functions.names
  state_machine_arns             = module.workflow.arns
  rest_api_name                  = module.api.rest_api_name
  stage_name                     = module.api.stage_name
  failures_queue_name            = module.functions.failures_queue_name
  database_instance_id           = local.makes_database ? module.data[0].database_instance_id : null
  cache_node_ids                 = local.makes_cache ? module.data[0].cache_node_ids : []
  alarm_topic_arns               = var.alarm_topic_arns
  database_connections_threshold = local.size.database_connections_threshold
}
